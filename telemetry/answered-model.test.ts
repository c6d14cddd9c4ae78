import { describe, expect, it } from "vitest";
import { answeredModel } from "./answered-model";

const of = (text: string) => answeredModel(Buffer.from(text));

describe("the model that an answer names", () => {
  it("is read of a JSON answer", () => {
    expect(
      of('{"id":"c-1","object":"chat.completion","model":"gpt-4.1-2025-04-14","choices":[]}'),
    ).toBe("gpt-4.1-2025-04-14");
  });

  it("is read of a stream, also where only its end was kept", () => {
    const event = 'data: {"id":"c-1","model": "gpt-4.1","choices":[{"delta":{"content":"x"}}]}\n\n';
    expect(of(event.repeat(1000))).toBe("gpt-4.1");
    expect(of(`content":"x"}}]}\n\n${"data: {}\n\n".repeat(1000)}${event}`)).toBe("gpt-4.1");
  });

  it("is none that stands in the words of the answer", () => {
    expect(
      of('{"choices":[{"message":{"content":"say {\\"model\\": \\"evil\\"}"}}]}'),
    ).toBeUndefined();
  });

  it("is none where none is named, or one that is none", () => {
    expect(of("")).toBeUndefined();
    expect(of("\u0000\u0001 no JSON")).toBeUndefined();
    expect(of('{"model":null}')).toBeUndefined();
    expect(of(`{"model":"${"m".repeat(5000)}"}`)).toBeUndefined();
  });
});
