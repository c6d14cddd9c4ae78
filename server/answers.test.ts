import { describe, expect, it } from "vitest";
import { answerTo, callHead, callResult, errorTo, result, returnResult } from "./answers";
import { decode, encode } from "./message-pack";

describe("server", () => {
  describe("an answer written by hand", () => {
    it.each([0, 1, 127, 2 ** 31, 2 ** 32 - 1])(
      "reads as one written by the library (id %d)",
      (id) => {
        const head = callHead("kong.ctx.shared.set");
        for (const args of [[], ["llm"], [1, null, { a: [Buffer.from("b"), 1.5] }]]) {
          expect(decode(answerTo(id, callResult(head, args, id)))).toEqual([
            ...[1, id, null],
            { Data: { Method: "kong.ctx.shared.set", Args: args }, EventId: id },
          ]);
        }
        expect(decode(answerTo(id, returnResult(id)))).toEqual([
          ...[1, id, null],
          { Data: "ret", EventId: id },
        ]);
        expect(decode(answerTo(id, result({ Id: id })))).toEqual([1, id, null, { Id: id }]);
        expect(decode(errorTo(id, "no"))).toEqual([1, id, "no", null]);
      },
    );

    it("carries ids beyond 32 bits: Kong counts questions for as long as it runs", () => {
      const id = 2 ** 40 + 1;
      expect(decode(answerTo(id, returnResult(1)))).toMatchObject([1, id, null, { EventId: 1 }]);
      expect(decode(errorTo(id, "no"))).toEqual([1, id, "no", null]);
    });

    it("is refused for arguments that Lua could not read", () => {
      expect(() => callResult(callHead("kong.log"), [new Date()], 1)).toThrow(TypeError);
      expect(() => callResult(callHead("kong.log"), [{ at: new Date() }], 1)).toThrow(TypeError);
      expect(encode([undefined])).toEqual(Buffer.from([0x91, 0xc0]));
    });
  });
});
