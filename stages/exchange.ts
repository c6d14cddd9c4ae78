// The one object that the stages work on: what came in, and what shall change. Plain values; the
// adapter (define-plugin.ts) fills it from Kong and carries its changes back.

import { type ApiError, errorBody } from "../openai/error";
import type { RequestBody } from "../openai/request-body";
import type { Ticket } from "./ticket";
import type { Told } from "./told";
import type { OtherTry, Upstream } from "./upstream";

/** What lua/gather.lua tells of a request. */
export interface GatheredRequest {
  id: string;
  method: string;
  /** Path as the client sent it, without the query. */
  path: string;
  /** As the client sent it, without the question mark; absent when empty. */
  query?: string;
  /** As it goes upstream, before the stages: the service's own path is in it. */
  upstream_path?: string;
  /** Content of the body; bytes where they came as such. */
  body?: string | Buffer;
  /** Length of the body in bytes as Kong has it. */
  bytes?: number;
  /** The same of a body that is fetched apart, in its turn. */
  long_body?: number;
  content_type?: string;
  cache_control?: string;
  client_ip: string;
  route?: string;
  service?: string;
  content_encoding?: string;
  anthropic_version?: string;
  /** What of that API is switched on beyond its version. */
  anthropic_beta?: string;
  /** The protocol that the client wants to go on with: a WebSocket, in Realtime. */
  upgrade?: string;
  /** The small parts of a multipart form; false for one that is long or stands twice. */
  form?: Record<string, string | false>;
  /** Where the value of a field stands in the body: offset and length in bytes. */
  form_places?: Record<string, [offset: number, length: number]>;
  /** Kong can edit the body that it has: the snippets of version 0.1 need all of it. */
  takes_edits?: boolean;
  /** From when on its key is not good any more: ISO 8601, in UTC. */
  credential_expires?: string;
  /** Id of the credential, and headers by lower-case names, where a plugin asks for them. */
  credential?: string;
  headers?: Record<string, string>;
}

/** What kong.client.get_consumer answers (Kong 3.9.3). */
export interface Consumer {
  id: string;
  username?: string;
  custom_id?: string;
  tags?: string[];
}

/** An answer that a stage gives instead of the upstream. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  source: "cache" | "gateway";
  /** Of a refusal: what its body says, for who gives it the shape of another API. */
  error?: ApiError;
}

export interface Exchange {
  readonly request: GatheredRequest;
  readonly consumer: Consumer | undefined;
  /** The body as JSON that keeps its spelling; undefined where the endpoint has none. */
  readonly body: RequestBody | undefined;
  /** Headers for the upstream request, by names in lower case; false takes one away. */
  readonly upstreamHeaders: Record<string, string | false>;
  /** Headers for the client, whoever answers. */
  readonly responseHeaders: Record<string, string>;
  /** Facts for later stages and for the outcome. */
  readonly ticket: Ticket;
  /** How many bytes of the answer the tap shall keep whole; its end is always kept. */
  keep: number;
  /** The chunk of usage that ends a stream is asked for by us alone: the client is not to get it. */
  withoutUsage?: boolean;
  /** Where it goes, where that is not the service of its route. */
  upstream?: Upstream;
  /** How many further tries of it Kong can make; absent where none are wanted. */
  readonly mostOthers?: number;
  /** What these are, in their order: chosen by one stage, and those after it leave out what cannot be. */
  others?: OtherTry[];
  /** The names of the upstream headers that belong to its key. */
  keyHeaders?: string[];
  /** Most tokens of output that were taken for it, where an answer must not be longer. */
  outputCap?: number;
  /** Somebody traces it: its end is told with the span that went upstream. */
  traced?: boolean;
  /** Whoever carries out what is decided can put values back into the answer. */
  readonly canRestore?: boolean;
  /** Values to put back in the answer, by the names that stand for them: in no ticket, log or cache. */
  restore?: Readonly<Record<string, string>>;
  /** What the stages beside this one tell the caller about itself, where that is what it asks for. */
  told?(): Promise<Told>;
}

/** Makes a refusal in OpenAI's shape. Header names are spelt as they shall be sent. */
export function refuse(
  status: number,
  error: ApiError,
  headers: Record<string, string> = {},
): Answer {
  return {
    status,
    headers: { "Content-Type": "application/json", ...headers },
    body: errorBody(error),
    source: "gateway",
    error,
  };
}
