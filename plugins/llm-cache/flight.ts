// Who waits for whose answer: of equal requests that come at once one leads, and the others follow
// it until its answer has landed. A flight ends with its lease, so nobody waits for a dead leader.

import { setTimeout as pause } from "node:timers/promises";
import type { Entry, Found } from "./answers";

/** How a flight ended: with an answer, without one, or not in its time. */
type Landing = Entry | "failed" | "late";

interface Flight {
  landed: Promise<Landing>;
  land(landing: Landing): void;
}

// By the id of the request that leads. Instances of Kong come and go; those who wait stay.
const flights = new Map<string, Flight>();

// A leader on another node is asked for in Redis, by one of all who follow it from here.
const firstPauseMs = 25;
const longestPauseMs = 250;

/** A request of this process leads: its outcome will come here, where `land` wakes all followers. */
export function lead(leader: string, leaseMs: number): void {
  if (!flights.has(leader)) open(leader, leaseMs);
}

/** Tells the followers in this process how their leader's request ended. */
export function land(leader: string, entry: Entry | undefined): void {
  flights.get(leader)?.land(entry ?? "failed");
}

/**
 * Waits for the answer of a leader, for `leftMs` milliseconds at most.
 *
 * @param look asks the store what it has, without a wish to lead
 */
export function follow(
  leader: string,
  leftMs: number,
  look: () => Promise<Found>,
): Promise<Landing> {
  const known = flights.get(leader);
  if (known) return known.landed;
  const flight = open(leader, leftMs);
  void watch(leader, flight, look);
  return flight.landed;
}

function open(leader: string, leaseMs: number): Flight {
  let settle: (landing: Landing) => void;
  const landed = new Promise<Landing>((resolve) => {
    settle = resolve;
  });
  const expiry = setTimeout(() => flight.land("late"), leaseMs).unref();
  const flight = {
    landed,
    land(landing: Landing) {
      clearTimeout(expiry);
      if (flights.get(leader) === flight) flights.delete(leader);
      settle(landing);
    },
  };
  flights.set(leader, flight);
  return flight;
}

/** Looks again and again until there is an entry, or the leader's lease is gone, or time is over. */
async function watch(leader: string, flight: Flight, look: () => Promise<Found>): Promise<void> {
  for (let ms = firstPauseMs; ; ms = Math.min(2 * ms, longestPauseMs)) {
    await pause(ms, undefined, { ref: false });
    if (flights.get(leader) !== flight) return;
    const found = await look();
    if (found.state === "entry") return flight.land(found.entry);
    if (found.state !== "follows" || found.leader !== leader) return flight.land("failed");
  }
}
