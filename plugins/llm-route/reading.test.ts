import { describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import { readingOf } from "./reading";
import { SignReader, type Window } from "./signs";
import { defaultWords } from "./words";

const hard = "Prove rigorously, step by step, that this lock-free queue is linearizable.";

class Watched extends SignReader {
  readonly looked: number[] = [];
  override read(pieces: readonly string[], window: Window) {
    const signs = super.read(pieces, window);
    this.looked.push(signs.seen);
    return signs;
  }
}

function readingIn(turns: string[], isSticky = true) {
  const messages = turns.map((content) => ({ role: "user", content }));
  const body = RequestBody.parse(JSON.stringify({ model: "auto", messages }));
  if (!(body instanceof RequestBody)) throw new Error(body.problem);
  const reader = new Watched(defaultWords());
  return { ...readingOf("chat/completions", body, reader, isSticky), looked: reader.looked };
}

describe("the reading of a conversation", () => {
  const small = (count: number) => Array.from({ length: count }, () => "고마워요, 계속해 주세요.");

  it.each([
    ["the first turn", [hard, ...small(500)]],
    ["the last turn", [...small(500), hard]],
    ["one of the newest turns", [...small(500), hard, ...small(10)]],
  ])("is as difficult as %s", (_, turns) => {
    expect(readingIn(turns).difficulty).toBeGreaterThan(66);
  });

  it("goes by the last turn alone where a conversation need not stay", () => {
    expect(readingIn([hard, "고마워요!"], false).difficulty).toBeLessThan(34);
  });

  it("can become easier again once a difficult turn between is far behind", () => {
    expect(readingIn(["안녕하세요!", hard, ...small(500)]).difficulty).toBeLessThan(67);
  });

  it.each([
    ["many long turns", Array.from({ length: 50 }, () => "word ".repeat(1000))],
    ["very many short ones", Array.from({ length: 20_000 }, () => "a")],
    ["very many empty ones", Array.from({ length: 20_000 }, () => "")],
  ])("looks at a bounded part of %s", (_, turns) => {
    const { looked } = readingIn(turns);
    expect(looked.reduce((sum, letters) => sum + letters, 0)).toBeLessThanOrEqual(5000);
    expect(looked.length).toBeLessThan(100);
  });
});
