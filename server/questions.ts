// Reads Kong's questions: [0, id, "plugin.METHOD", [argument]], as MessagePack-RPC has them.

import { FrameError } from "./frames";
import { decode } from "./message-pack";

/** One question of Kong's; its answer bears the same id. */
export interface Rpc {
  id: number;
  /** Empty where it is no text. */
  method: string;
  argument: unknown;
}

/** Reads a complete message. Throws a FrameError when it is no question at all. */
export function readQuestion(bytes: Uint8Array, start: number, end: number): Rpc {
  const message = decode(bytes, start, end);
  if (!Array.isArray(message) || message[0] !== 0 || typeof message[1] !== "number") {
    throw new FrameError("a message is no request of MessagePack-RPC");
  }
  const [, id, method, args] = message as [0, number, unknown, unknown];
  return {
    id,
    method: typeof method === "string" ? method : "",
    argument: Array.isArray(args) ? args[0] : undefined,
  };
}
