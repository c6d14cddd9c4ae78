import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { kongObject, snakeCase } from "./kong-object";

type Callable = Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>>;

/** Every name in kong-pdk's types, made from Kong's own documentation. */
function namesIn(directory: string): string[] {
  return readdirSync(directory).flatMap((entry) => {
    const path = join(directory, entry);
    if (statSync(path).isDirectory()) return namesIn(path);
    return [...readFileSync(path, "utf8").matchAll(/^ {4}(\w+)\(.*Promise/gm)].map(
      ([, name]) => name!,
    );
  });
}

describe("server", () => {
  describe("the kong object", () => {
    it("turns any path into the PDK method of that name", async () => {
      const calls: unknown[] = [];
      const kong = kongObject(async (method, args) =>
        calls.push([method.name, ...args]),
      ) as Callable & Record<"service", Callable>;
      await kong.client!.getConsumer!();
      await kong.service.request!.setRawBody!("text", undefined);
      await kong.log!.notice!();
      await kong.request!.get_header!("already snake");
      expect(calls).toEqual([
        ["kong.client.get_consumer"],
        ["kong.service.request.set_raw_body", "text", undefined],
        ["kong.log.notice"],
        ["kong.request.get_header", "already snake"],
      ]);
    });

    it("may be awaited and returned without making a call", async () => {
      const kong = kongObject(() => Promise.reject(new Error("called"))) as { ctx: object };
      expect(await kong).toBe(await kong);
      expect(typeof (await kong.ctx)).toBe("function");
    });

    it("spells every PDK method as Kong does", () => {
      const names = namesIn(join(__dirname, "../node_modules/kong-pdk/kong"));
      expect(names.length).toBeGreaterThan(100);
      for (const name of names) expect(snakeCase(name)).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
      expect(snakeCase("getTls1VersionStr")).toBe("get_tls1_version_str");
      expect(snakeCase("getUriCaptures")).toBe("get_uri_captures");
    });
  });
});
