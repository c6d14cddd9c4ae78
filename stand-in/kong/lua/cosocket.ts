// ngx.socket.tcp: a socket that Lua code reads and writes as if it blocked, while its coroutine
// waits. Errors, timeouts and the pool are those of lua-nginx-module.

import { connect, type Socket } from "node:net";
import { Failure, Handle, type LuaValue } from "../lua-value";
import type { CosocketPool } from "./cosocket-pool";
import { type Result, Returns } from "./run";

// nginx's, in milliseconds.
const defaultTimeout = 60_000;

export class Cosocket extends Handle {
  private socket: Socket | undefined;
  private address = "";
  private reused = 0;
  /** What has come and is not read, in the pieces in which it came. */
  private received: Buffer[] = [];
  private bytes = 0;
  private ended = false;
  private connectTimeout = defaultTimeout;
  private sendTimeout = defaultTimeout;
  private readTimeout = defaultTimeout;
  private wake: (() => void) | undefined;

  constructor(private readonly pool: CosocketPool) {
    super();
  }

  settimeouts(connecting: number, sending: number, reading: number): void {
    this.connectTimeout = connecting;
    this.sendTimeout = sending;
    this.readTimeout = reading;
  }

  /** @param pool the name of its pool; its address without it */
  async connect(host: string, port: number | undefined, pool?: string): Promise<Result> {
    this.close();
    this.address = pool ?? (port === undefined ? host : `${host}:${port}`);
    const idle = this.pool.take(this.address);
    this.reused = idle ? idle.reused + 1 : 0;
    if (idle) {
      this.use(idle.socket);
      return 1;
    }
    const socket = host.startsWith("unix:")
      ? connect({ path: host.slice("unix:".length) })
      : connect({ host, port: port ?? 0 });
    const failure = await within(this.connectTimeout, (done) => {
      socket.once("connect", () => done(undefined)).once("error", (error) => done(error));
    });
    if (failure) {
      socket.on("error", () => undefined).destroy();
      return new Failure(wordOf(failure));
    }
    this.use(socket);
    return 1;
  }

  async send(data: LuaValue): Promise<Result> {
    const { socket } = this;
    if (!socket || this.ended) return new Failure("closed");
    const bytes = Buffer.from(flat(data), "latin1");
    const failure = await within(this.sendTimeout, (done) => {
      socket.write(bytes, (error) => done(error ?? undefined));
    });
    return failure ? this.broken(failure) : bytes.length;
  }

  /** @param pattern a number of bytes, "*l" for a line, "*a" for all until the end */
  async receive(pattern: LuaValue): Promise<Result> {
    if (typeof pattern === "number") {
      return this.until(() => (this.bytes >= pattern ? pattern : undefined));
    }
    if (pattern === "*a") return this.until(() => (this.ended ? this.bytes : undefined));
    const line = await this.until(() => {
      const end = this.joined().indexOf("\n");
      return end < 0 ? undefined : end + 1;
    });
    return typeof line === "string" ? line.replace(/\r?\n$/, "").replaceAll("\r", "") : line;
  }

  receiveany(most: number): Promise<Result> {
    return this.until(() => Math.min(this.bytes, most) || undefined);
  }

  setkeepalive(timeout: number | undefined, size: number | undefined): Result {
    const { socket } = this;
    if (!socket || this.ended) return new Failure("closed");
    if (this.bytes > 0) {
      this.close();
      return new Failure("unread data in buffer");
    }
    this.detach();
    this.pool.keep(this.address, socket, this.reused, timeout, size);
    return 1;
  }

  getreusedtimes(): number {
    return this.reused;
  }

  close(): Result {
    const { socket } = this;
    if (!socket) return new Failure("closed");
    this.detach();
    socket.on("error", () => undefined).destroy();
    return 1;
  }

  private async until(enough: () => number | undefined): Promise<Result> {
    if (!this.socket) return new Failure("closed");
    const deadline = Date.now() + this.readTimeout;
    for (;;) {
      const length = enough();
      if (length !== undefined) return this.cut(length);
      const left = deadline - Date.now();
      if (this.ended || left <= 0) {
        const partial = this.cut(this.bytes);
        const why = this.ended ? "closed" : "timeout";
        if (this.ended) this.close();
        return new Returns([undefined, why, partial]);
      }
      await within(left, (done) => {
        this.wake = () => done(undefined);
      });
    }
  }

  private cut(length: number): string {
    const whole = this.joined();
    this.received = [whole.subarray(length)];
    this.bytes -= length;
    return whole.subarray(0, length).toString("latin1");
  }

  // Once for what is read, and not for each piece that comes: a long answer is read in linear time.
  private joined(): Buffer {
    const whole = this.received.length === 1 ? this.received[0]! : Buffer.concat(this.received);
    this.received = [whole];
    return whole;
  }

  private broken(failure: Error): Failure {
    this.close();
    return new Failure(wordOf(failure));
  }

  private readonly onData = (chunk: Buffer) => {
    this.received.push(chunk);
    this.bytes += chunk.length;
    this.wake?.();
  };

  private readonly onEnd = () => {
    this.ended = true;
    this.wake?.();
  };

  private use(socket: Socket): void {
    this.socket = socket;
    this.ended = false;
    this.received = [];
    this.bytes = 0;
    socket.on("data", this.onData).on("end", this.onEnd).on("close", this.onEnd);
    socket.on("error", this.onEnd);
  }

  private detach(): void {
    this.socket?.off("data", this.onData).off("end", this.onEnd).off("close", this.onEnd);
    this.socket?.off("error", this.onEnd);
    this.socket = undefined;
  }
}

// As with nginx, what has come counts before what is late: where this process was busy, both are found at once.
function within(
  milliseconds: number,
  start: (done: (error: Error | undefined) => void) => void,
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const late = () => setImmediate(() => resolve(new Error("timeout")));
    const timer = setTimeout(late, milliseconds);
    start((error) => {
      clearTimeout(timer);
      resolve(error);
    });
  });
}

function wordOf(error: Error): string {
  const words: Record<string, string> = {
    ECONNREFUSED: "connection refused",
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    EPIPE: "broken pipe",
    ECONNRESET: "connection reset by peer",
  };
  return words[(error as NodeJS.ErrnoException).code ?? ""] ?? error.message;
}

function flat(data: LuaValue): string {
  if (Array.isArray(data)) return data.map(flat).join("");
  return data === undefined || data === null ? "" : String(data);
}
