// What a decision has reserved, as it travels in the ticket until it is known what was used.

import { z } from "zod";
import { askedUnits } from "../../openai/asked-units";
import type { Identity } from "./identity";
import { type Limit, measures, settles } from "./limit";
import type { TakenAttempt } from "./take";
import { windows } from "./windows";

const count = z.int().nonnegative();

/** The amount that was taken from a limit in the bucket that starts at `start`, and whose limit it is. */
const fromLimit = z.tuple([
  z.enum(measures),
  z.enum([...windows, "lease"]),
  z.string().nullable(),
  count,
  count,
  z.string().optional(),
]);

type FromLimit = z.output<typeof fromLimit>;

/** What must be known again to settle: it travels in the ticket. */
export const reservation = z.object({
  /** Where it was counted. */
  policy: z.enum(["local", "redis"]),
  identity: z.string(),
  model: z.string().nullable(),
  /** Estimated, for an answer that states no usage. */
  input_tokens: count,
  /** What was asked for beside tokens, for an answer that does not say how much it is. */
  units: askedUnits.optional(),
  reserved: z.array(fromLimit),
});
export type ReservationNote = z.output<typeof reservation>;

/** What was taken from a limit, and when the bucket of it began. */
export interface Reserved {
  limit: Limit;
  who?: string;
  start: number;
  amount: number;
}

export interface Reservation extends Omit<ReservationNote, "reserved"> {
  reserved: Reserved[];
}

export function reservationIn(note: ReservationNote): Reservation {
  return { ...note, reserved: note.reserved.map(reservedFrom) };
}

function reservedFrom([measure, window, model, start, amount, who]: FromLimit): Reserved {
  // How much it may hold says nothing about what was taken.
  const limit: Limit = { measure, window, most: 0, model: model ?? undefined };
  return { limit, start, amount, ...(who !== undefined && { who }) };
}

/** What an attempt that has taken reserved; undefined where nothing of it is to be settled. */
export function reserve(
  { model, counted, demand, takes }: TakenAttempt,
  { key: identity }: Identity,
): ReservationNote | undefined {
  const { limits, output, policy } = counted;
  const reserved = takes.flatMap((take, i): FromLimit[] => {
    if (!settles(take, output)) return [];
    const { limit, who, amount, each } = take;
    const { measure, window, model = null } = limit;
    const { start } = limits[i]!;
    const taken = amount + each * output;
    return [[measure, window, model, start, taken, ...(who ? [who.key] : [])] as FromLimit];
  });
  if (reserved.length === 0) return undefined;
  const { inputTokens: input_tokens, units } = demand;
  return {
    policy,
    identity,
    model: model ?? null,
    input_tokens,
    reserved,
    ...(units && { units }),
  };
}
