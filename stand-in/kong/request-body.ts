// The body of a request: read as a whole when somebody asks for it, streamed upstream when nobody
// did, replaced by what a plugin sets.

import type { IncomingMessage } from "node:http";

export class RequestBody {
  private whole: Promise<Buffer> | undefined;
  private replacement: Buffer | undefined;

  constructor(private readonly incoming: IncomingMessage) {}

  /** Reads everything. Rejects when the client goes away before its end. */
  read(): Promise<Buffer> {
    if (this.replacement) return Promise.resolve(this.replacement);
    this.whole ??= readAll(this.incoming);
    return this.whole;
  }

  replace(bytes: Buffer): void {
    this.replacement = bytes;
    this.discard();
  }

  get replaced(): boolean {
    return this.replacement !== undefined;
  }

  /** True when nobody has asked for the body, so that it can go upstream as it comes. */
  get untouched(): boolean {
    return !this.whole && !this.replacement;
  }

  /** Lets what nobody reads flow away, so that the connection can be used again. */
  discard(): void {
    if (!this.whole) this.incoming.resume();
  }

  get stream(): IncomingMessage {
    return this.incoming;
  }
}

function readAll(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => resolve(Buffer.concat(chunks)));
    incoming.on("error", reject);
    incoming.on("close", () => {
      if (!incoming.complete) reject(new Error("client prematurely closed connection"));
    });
  });
}
