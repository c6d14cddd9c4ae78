// The body of a request: read as a whole when somebody asks for it, streamed upstream when nobody
// did, replaced by what a plugin sets.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class RequestBody {
  private whole: Promise<Buffer> | undefined;
  private replacement: Buffer | undefined;
  private arrived: Buffer | undefined;
  private spilled: string | undefined;

  constructor(private readonly incoming: IncomingMessage) {}

  /** Reads everything. Rejects when the client goes away before its end. */
  read(): Promise<Buffer> {
    if (this.replacement) return Promise.resolve(this.replacement);
    this.whole ??= readAll(this.incoming).then((bytes) => {
      this.arrived = bytes;
      return bytes;
    });
    return this.whole;
  }

  /** What has been read, unless nginx has put it into a file: ngx.req.get_body_data. */
  inMemory(bufferBytes: number): Buffer | undefined {
    if (this.replacement) return this.replacement;
    return this.arrived && this.arrived.length <= bufferBytes ? this.arrived : undefined;
  }

  /** The file with what has been read, where nginx has made one: ngx.req.get_body_file. */
  file(bufferBytes: number): string | undefined {
    if (this.replacement || !this.arrived || this.arrived.length <= bufferBytes) return undefined;
    if (!this.spilled) {
      this.spilled = mkdtempSync(join(tmpdir(), "stand-in-body-"));
      writeFileSync(join(this.spilled, "body"), this.arrived);
    }
    return join(this.spilled, "body");
  }

  /** The request has ended. */
  forget(): void {
    if (this.spilled) rmSync(this.spilled, { recursive: true, force: true });
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
    const gone = () => reject(new Error("client prematurely closed connection"));
    incoming.on("close", gone);
    // What has closed already tells nobody any more, also when all of it had arrived unread.
    if (incoming.destroyed) gone();
  });
}
