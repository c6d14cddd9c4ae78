// How requests are authenticated at one provider, as options: of the service's own, and of each in `providers`.

import { z } from "zod";

// What Kong or HTTP itself decides about a request.
const reserved = ["host", "content-length", "transfer-encoding", "connection", "accept-encoding"];

const moreHeader = z.object({
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[A-Za-z0-9_-]+$/, "must be the name of a header")
    .refine((name) => !reserved.includes(name.toLowerCase()), "is a header that Kong sets")
    .describe("Name of the header, such as `OpenAI-Project`."),
  value: z
    .string()
    .max(8192)
    .trim()
    .regex(/^[\x20-\x7e]*$/, "must be printable ASCII")
    .default("")
    .meta({
      referenceable: true,
      description: "Its value, as text or as a vault reference; no request goes out without it.",
    }),
});

/** How requests are authenticated at one provider. */
export const accountOptions = z.object({
  keys: z
    .array(
      z.object({
        value: z
          .string()
          .max(8192)
          .default("")
          .meta({ referenceable: true })
          .describe("The key as a vault reference, such as `{vault://env/holysheep-api-key}`."),
        file: z
          .string()
          .max(4096)
          .default("")
          .describe(
            "Path of a file that holds the key and nothing else; it is read again every second, so that a rotated key needs no restart. Used where `value` is empty.",
          ),
        weight: z
          .int()
          .min(1)
          .max(1000)
          .default(1)
          .describe("Share of the requests that this key gets, beside the weights of the others."),
      }),
    )
    .default([])
    .describe("Keys of the upstream; each request goes out with one of them."),
  auth: z
    .enum(["header", "family", "none"])
    .default("header")
    .describe(
      "How the key goes: `header` puts it into `header` on all endpoints, as relays take it; `family` as the clients of each API send it, which the vendors themselves ask for: x-api-key to /v1/messages, `Authorization: Bearer` elsewhere; `none` sends no key, to a server of your own that asks for none.",
    ),
  header: z
    .string()
    .min(1)
    .max(100)
    .default("authorization")
    .describe("Header of the upstream request that carries the key, such as `api-key`."),
  prefix: z
    .string()
    .max(100)
    .default("Bearer ")
    .describe("Text before the key in that header; empty where the upstream wants the bare key."),
  headers: z
    .array(moreHeader)
    .default([])
    .describe(
      "More headers that the upstream wants with the key: an organization, a project, a version. They replace what the client sent under these names.",
    ),
  rest_seconds: z
    .int()
    .min(1)
    .max(3600)
    .default(30)
    .describe(
      "How long a key rests, in seconds, after the upstream answered it with 401, 402, 403 (not about the model or the content), 429, or a 400 or 412 that is about the key or its credit, and named no Retry-After; the other keys serve meanwhile.",
    ),
});

export type AccountOptions = z.infer<typeof accountOptions>;
