// Runs the stand-in upstream by itself: `kong-llm stand-in`, and on MODEL_SERVER_ADDRESS (HOST:PORT) for
// the demo profile of docker-compose.yml.

import { startModelServer } from ".";

const forgetEveryMs = 60_000;

/** Serves at HOST:PORT until it is told to stop. */
export async function serveModel(address: string): Promise<void> {
  const [host, port] = address.split(":");
  const server = await startModelServer({ host, port: Number(port) });
  // Tests read the recorded requests; here they would only fill the memory.
  setInterval(() => server.clear(), forgetEveryMs).unref();
  const stop = () => void server.close().then(() => process.exit(0));
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  console.log(`stand-in model server on ${host}:${server.port}`);
}

if (require.main === module) {
  void serveModel(process.env.MODEL_SERVER_ADDRESS ?? "127.0.0.1:8080");
}
