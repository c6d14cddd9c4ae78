// A worker of Kong in front of one plugin server, with as much of Kong as a limit needs: it asks,
// carries out what is decided, and tells how it ended.

import { once } from "node:events";
import { connect } from "node:net";
import type { PluginServer } from "../../dev/plugin-server";
import type { Decision } from "../../stages/decision";
import type { Consumer } from "../../stages/exchange";
import { KongSide, type RpcAnswer } from "./kong-side";
import { batch, record } from "./outcome-batch";

/** How the plugin server decided: it passes, with what shall change, or is answered. */
export type Decided =
  | { decision: Decision }
  | { status: number; headers: Record<string, string>; body: string };

const path = "/v1/chat/completions";
let requests = 0;

export class KongWorker {
  /** Connections that owe no answer: Kong has one question on each. */
  private readonly idle: KongSide[];
  private asking = 0;

  private constructor(
    kong: KongSide,
    private readonly instance: number,
    private readonly server: PluginServer,
  ) {
    this.idle = [kong];
  }

  static async start(
    server: PluginServer,
    config: object,
    plugin = "llm-rate-limit",
  ): Promise<KongWorker> {
    const kong = await KongSide.to(server.socket);
    return new KongWorker(kong, await kong.start(plugin, config), server);
  }

  /** One request of a consumer. */
  async ask(consumer: Consumer, body: object): Promise<Decided> {
    this.asking++;
    const kong = this.idle.pop() ?? (await KongSide.to(this.server.socket));
    const decided = await this.askOver(kong, consumer, body);
    this.idle.push(kong);
    if (--this.asking === 0) for (const { socket } of this.idle.splice(1)) socket.destroy();
    return decided;
  }

  private async askOver(kong: KongSide, consumer: Consumer, body: object): Promise<Decided> {
    const text = JSON.stringify(body);
    const gathered = {
      ...{ id: `${process.pid}-${++requests}`, method: "POST", path, client_ip: "192.0.2.1" },
      ...{ body: text, bytes: Buffer.byteLength(text) },
    };
    let answer = await kong.handle(this.instance);
    for (;;) {
      const { Method, Args } = callOf(answer);
      const event = answer.result.EventId;
      if (Method === "kong.response.exit") {
        const [status, body, headers] = Args as [number, string, Record<string, string>];
        return { status, headers, body };
      }
      if (Method === "kong.ctx.shared.set") {
        await kong.step(event);
        return { decision: Args[1] as Decision };
      }
      const known = Method === "kong.client.get_consumer" ? consumer : gathered;
      answer = await kong.step(event, Args[0] === "llm_decision" ? undefined : known);
    }
  }

  /** Tells the end of a request that went upstream; settles when the plugin server has learned it. */
  async report({ ticket }: Decision, status: number, answer: object): Promise<void> {
    const fields = {
      ...{ 1: ticket, 2: String(status), 3: "service", 4: "application/json" },
      ...{ 6: JSON.stringify(answer), 7: "c" },
    };
    const socket = connect(this.server.outcomesSocket);
    socket.end(batch(record(fields)));
    socket.resume();
    await once(socket, "end");
  }
}

function callOf({ error, result }: RpcAnswer): { Method: string; Args: unknown[] } {
  if (error !== undefined || result.Data === "ret") throw new Error(error ?? "it did not decide");
  return result.Data;
}
