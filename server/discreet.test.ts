import { describe, expect, it } from "vitest";
import { z } from "zod";
import { tell, tellConfigError } from "./discreet";

const key = "sk-proj-0123456789abcdef";

describe("server", () => {
  describe("what is told of an error", () => {
    it("is its message and where it was thrown", () => {
      const told = tell(new TypeError("x is not a function"), [{ key }]);
      expect(told).toMatchObject({ name: "TypeError", message: "x is not a function" });
      expect(told.frames?.[0]).toContain("discreet.test.ts");
    });

    it.each([
      ["all of a secret", `cannot use ${key}`],
      ["its beginning", `Unexpected token 's', "${key.slice(0, 18)}"... is not valid JSON`],
      ["its end", `...${key.slice(-16)}`],
    ])("is not its message where that repeats %s", (_, message) => {
      const told = JSON.stringify(tell(new Error(message), { deep: [{ key }] }));
      expect(told).toContain("(not shown");
      expect(told).not.toMatch(/sk-proj|6789abcdef/);
    });

    it("is not its message where that repeats a byte string or a short secret", () => {
      expect(tell(new Error("hunter2 is wrong"), ["hunter2"]).message).toContain("not shown");
      const body = Buffer.from("tell me everything about my illness");
      expect(tell(new Error("bad: everything about my"), [body]).message).toContain("not shown");
    });

    it("is neither message nor value where nothing is known about them", () => {
      expect(tell(new Error(key)).message).toContain("not shown");
      expect(tell(key, []).message).toContain("not shown");
    });

    it("has the code of a system error", () => {
      const error = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      expect(tell(error, []).code).toBe("ECONNREFUSED");
    });
  });

  describe("what is told of a refused config", () => {
    it("names the options, and never repeats their values", () => {
      const schema = z.object({
        policy: z.enum(["local", "redis"]),
        keys: z.array(z.object({ value: z.string().max(5), weight: z.number() })),
      });
      const config = { policy: key, keys: [{ value: key, weight: key }] };
      const told = tellConfigError(schema.safeParse(config).error, config);
      expect(told).toContain("policy: Invalid option: expected one of");
      expect(told).toContain("keys.0.value: Too big");
      expect(told).toContain("keys.0.weight: Invalid input: expected number");
      expect(told).not.toContain("sk-proj");
    });
  });
});
