// Kong's side of the plugin server's socket, as mp_rpc.lua of Kong 3.9 plays it: questions over any
// of several connections, answers by id.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { FrameSplitter } from "../../server/frames";
import { decode, encode } from "../../server/message-pack";

export interface RpcAnswer {
  error: string | undefined;
  /** Of HandleEvent and the steps: which event, and what Kong shall do for it. */
  result: {
    EventId: number;
    Data: "ret" | { Method: string; Args: unknown[] };
    Id: number;
    [name: string]: unknown;
  };
}

export class KongSide {
  readonly #waiting = new Map<number, (answer: RpcAnswer) => void>();
  #nextId = 1;

  private constructor(readonly socket: Socket) {
    const splitter = new FrameSplitter();
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      splitter.push(chunk, (...message) => {
        const [, id, error, result] = decode(...message) as [
          1,
          number,
          string | null,
          RpcAnswer["result"],
        ];
        this.#waiting.get(id)?.({ error: error ?? undefined, result });
        this.#waiting.delete(id);
      });
    });
  }

  static async to(path: string): Promise<KongSide> {
    const socket = connect(path);
    await once(socket, "connect");
    return new KongSide(socket);
  }

  /** Sends bytes as they are; settles with the answer to the question of that id. */
  send(bytes: Uint8Array, id: number): Promise<RpcAnswer> {
    return new Promise((answered) => {
      this.#waiting.set(id, answered);
      this.socket.write(bytes);
    });
  }

  ask(method: string, argument: unknown): Promise<RpcAnswer> {
    const id = this.#nextId++;
    return this.send(encode([0, id, `plugin.${method}`, [argument]]), id);
  }

  async start(plugin: string, config: object = {}): Promise<number> {
    const answer = await this.ask("StartInstance", {
      Name: plugin,
      Config: JSON.stringify(config),
    });
    return answer.result.Id;
  }

  handle(instance: number, phase = "access"): Promise<RpcAnswer> {
    return this.ask("HandleEvent", { InstanceId: instance, EventName: phase });
  }

  step(event: number, data?: unknown): Promise<RpcAnswer> {
    return this.ask("Step", { EventId: event, ...(data !== undefined && { Data: data }) });
  }

  /** Settles when the server has closed this connection. */
  async closed(): Promise<void> {
    if (!this.socket.closed) await new Promise((closed) => this.socket.once("close", closed));
  }

  close(): void {
    this.socket.destroy();
  }
}
