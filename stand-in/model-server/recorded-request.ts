// What the stand-in model server remembers of a request, and how far its answer has come: tests wait
// for these facts instead of sleeping.

import type { IncomingMessage, ServerResponse } from "node:http";

export class RecordedRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: string[];
  /** The body as text, and parsed where it is a JSON object. */
  readonly body: string;
  readonly json?: Record<string, unknown>;
  readonly model?: string;
  /** How many chunks of the answer were handed to the network; a JSON answer is one. */
  chunksSent = 0;
  /** Whether the answer was sent to its end, or its connection closed before that. */
  readonly ended: Promise<"whole" | "cut">;
  private awaited: { chunk: number; resolve: () => void }[] = [];

  constructor(request: IncomingMessage, response: ServerResponse, body: string) {
    this.method = request.method ?? "GET";
    this.url = request.url ?? "/";
    this.headers = request.headers;
    this.rawHeaders = request.rawHeaders;
    this.body = body;
    this.json = jsonObject(body);
    if (typeof this.json?.model === "string") this.model = this.json.model;
    this.ended = new Promise((resolve) => {
      response.once("close", () => resolve(response.writableFinished ? "whole" : "cut"));
    });
  }

  /** Settles when chunk `n` (from 1) has been handed to the network. */
  chunkSent(n: number): Promise<void> {
    if (this.chunksSent >= n) return Promise.resolve();
    return new Promise((resolve) => this.awaited.push({ chunk: n, resolve }));
  }

  /** For the server: one more chunk has left. */
  countChunk(): void {
    this.chunksSent++;
    for (const { resolve } of this.awaited.filter(({ chunk }) => chunk <= this.chunksSent)) {
      resolve();
    }
    this.awaited = this.awaited.filter(({ chunk }) => chunk > this.chunksSent);
  }
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
