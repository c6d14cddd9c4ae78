// Who has used what, and in whose name: the options of attribution and of the ledger.

import { IANAZone } from "luxon";
import { z } from "zod";
import { redisOptions } from "../../redis/options";

/** By what rows can be told apart beside the day and the consumer. */
export const ledgerMembers = ["team", "end_user", "model", "provider", "endpoint", "tags"] as const;

const header = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9-]*$/, "must be the name of a header");

export const tagOptions = z
  .array(
    z
      .object({
        name: z
          .string()
          .max(32)
          .regex(/^[a-z][a-z0-9_]*$/, "must be lower-case letters, digits and _")
          .describe("Name of the tag in the usage line and the ledger, as in `feature`."),
        header: header
          .default("")
          .describe("Header of the client that holds it, as in `x-feature`."),
        member: z
          .string()
          .max(100)
          .regex(/^[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)?$/, "must be MEMBER or MEMBER.MEMBER")
          .default("")
          .describe(
            "Member of the body that holds it, as in `metadata.session_id`, where the header says nothing.",
          ),
      })
      .refine(({ header, member }) => header !== "" || member !== "", {
        message: "must name a header or a member",
      }),
  )
  .max(10)
  .refine((tags) => new Set(tags.map(({ name }) => name)).size === tags.length, {
    message: "must have each name once",
  })
  .default([])
  .describe(
    "What clients say a request is for: at most ten tags, each of at most 100 characters, in the usage line and the ledger. Never a label of a metric, and headers still go upstream.",
  );

export const ledgerOptions = z
  .object({
    policy: z
      .enum(["none", "local", "redis"])
      .default("none")
      .describe(
        "Where it is kept who has used what by the day: nowhere, in the memory of each plugin server, or in a Redis for all nodes together.",
      ),
    redis: redisOptions
      .prefault({})
      .describe("The Redis of policy `redis`; the same as that of the limits costs no round trip."),
    by: z
      .array(z.enum(ledgerMembers))
      .default(["team", "model", "provider", "endpoint"])
      .describe(
        "What rows are told apart by, beside the day and the consumer: team, end_user, model, provider, endpoint, tags.",
      ),
    team_tag_prefix: z
      .string()
      .min(1)
      .max(100)
      .default("team-")
      .describe("The first tag of a consumer that begins with this text names its team."),
    end_user_header: header
      .default("")
      .describe(
        "Header in which apps name their user, before the members `safety_identifier`, `user` and `metadata.user_id` of the body; only a digest is kept.",
      ),
    time_zone: z
      .string()
      .refine((zone) => IANAZone.isValidZone(zone), "must be a time zone, as in Asia/Seoul")
      .default("UTC")
      .describe("Time zone in which days begin and end, as in `Asia/Seoul`."),
    retain_days: z
      .int()
      .min(1)
      .max(4000)
      .default(400)
      .describe("Days that rows are kept after the last entry of their month: 13 months."),
    most_rows: z
      .int()
      .min(100)
      .max(1_000_000)
      .default(5000)
      .describe(
        "Most rows of a consumer and month; beyond them end users and tags are no longer told apart, and models only where they are configured.",
      ),
  })
  .prefault({})
  .describe("Who has used what and what it cost, by the day: `kong-llm usage` and GET /v1/usage.");

export type LedgerOptions = z.output<typeof ledgerOptions>;
