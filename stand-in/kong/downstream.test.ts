import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { Downstream } from "./downstream";
import { requestWith } from "./request.fixture";
import type { Runloop } from "./runloop";

describe("the stand-in's answer to a slow client", () => {
  it("leaves no listener behind at each wait (MaxListenersExceededWarning)", async () => {
    const outgoing = Object.assign(new EventEmitter(), { writableNeedDrain: true });
    const downstream = new Downstream(
      requestWith(),
      outgoing as unknown as ServerResponse,
      {} as Runloop,
    );
    for (let wait = 0; wait < 20; wait++) {
      const drained = downstream.drained();
      outgoing.emit("drain");
      await drained;
    }
    expect(outgoing.listenerCount("close")).toBe(0);
    expect(outgoing.listenerCount("drain")).toBe(0);
  });
});
