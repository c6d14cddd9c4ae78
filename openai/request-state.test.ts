import { describe, expect, it } from "vitest";
import { dependsOnState } from "./request-state";

describe("request-state", () => {
  it.each<[object, boolean]>([
    [{ conversation: "conv_1" }, true],
    [{ background: true }, true],
    [{ background: false, conversation: null }, false],
    [{ model: "m" }, false],
  ])("sees whether %j depends on more than itself", (body, expected) => {
    expect(dependsOnState(body as Record<string, unknown>)).toBe(expected);
  });
});
