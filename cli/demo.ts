// kong-llm demo: the gateway on this machine, with stand-ins for Kong and for the model, to try it.
// kong-llm stand-in: the stand-in for the model alone, for a gateway that has a Kong.

import { type Command, InvalidArgumentError } from "commander";
import { demoCommand } from "../dev/start";
import { serveModel } from "../stand-in/model-server/main";

export function addDemo(program: Command): void {
  program.addCommand(demoCommand());
  program
    .command("stand-in")
    .description("run a model server that makes answers up, to try a gateway without an upstream")
    .option("--address <host:port>", "where it listens", address, "127.0.0.1:8080")
    .action(({ address }: { address: string }) => serveModel(address));
}

function address(text: string): string {
  if (/^[\w.-]+:\d{1,5}$/.test(text)) return text;
  throw new InvalidArgumentError("give it as 127.0.0.1:8080");
}
