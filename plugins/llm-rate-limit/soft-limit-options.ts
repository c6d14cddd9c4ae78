// What an operator writes of what happens before a limit is full: who is told, and which requests go on
// as a cheaper model.

import { z } from "zod";

const share = (description: string) => z.number().min(0.01).max(1).describe(description);

export const notice = z
  .object({
    url: z
      .string()
      .max(2000)
      .refine(isWebAddress, "must be an address with http:// or https://")
      .default("")
      .meta({
        referenceable: true,
        description:
          "Address that each message is sent to by POST, as text or as a vault reference such as `{vault://env/budget-webhook}`; with an empty one nobody is told.",
      }),
    format: z
      .enum(["json", "slack"])
      .default("json")
      .describe(
        "`json` tells all that is known of the limit, `slack` a sentence as incoming webhooks of Slack take it (Mattermost's and Discord's with `/slack` too).",
      ),
    secret: z.string().max(1000).default("").meta({
      referenceable: true,
      description:
        "Signs what is sent, by the headers of Standard Webhooks; text, or base64 behind `whsec_`. Without it messages are not signed.",
    }),
    shares: z
      .array(share("Share of a limit at which is told, from 0.01 to 1."))
      .min(1)
      .max(20)
      .default([0.5, 0.8, 1])
      .describe("Shares of a limit at which is told, each once for a limit and its window."),
    measures: z
      .array(z.enum(["requests", "tokens", "input_tokens", "output_tokens", "cost_usd"]))
      .min(1)
      .default(["requests", "tokens", "input_tokens", "output_tokens", "cost_usd"])
      .describe("Of which limits is told, by what they count."),
    windows: z
      .array(z.enum(["hour", "day", "month"]))
      .min(1)
      .default(["day", "month"])
      .describe(
        "Of which limits is told, by their window; shorter ones come and go before anybody has read a message.",
      ),
  })
  .describe("Who is told, when, and how.");

export const onShare = z
  .object({
    share: share("Share of a budget from which on requests are moved."),
    model: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[\x20-\x7e]*$/, "must be printable ASCII: it goes into a header")
      .describe(
        "Model of the upstream that serves instead, where llm-models lets the caller use it and it costs less than the one that it takes the place of.",
      ),
    match: z
      .string()
      .min(1)
      .max(200)
      .default("*")
      .describe("Models of the upstream whose requests are moved; `*` matches any text."),
  })
  .describe("From which share of a budget on which model serves.");

/** An address that is not written here is known when Kong has looked into its vault. */
function isWebAddress(value: string): boolean {
  if (value === "" || value.startsWith("{vault://")) return true;
  return /^https?:\/\/[^/]/.test(value) && URL.canParse(value);
}
