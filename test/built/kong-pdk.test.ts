// Our built plugins keep kong-pdk's contract: its own plugin server loads them, and describes them to
// Kong as ours does.

import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { order } from "../../kong/order";
import { decode } from "../../server/message-pack";

const run = promisify(execFile);
const root = join(__dirname, "../..");
const dist = join(root, "dist/plugins");

interface Dump {
  Name: string;
  Version: string;
  Priority: number;
  Phases: string[];
  Schema: { name: string; fields: Record<string, unknown>[] };
}

async function dumpedByKongPdk(name: string): Promise<Dump> {
  const program = join(root, "node_modules/kong-pdk/bin/kong-js-pluginserver");
  const { stdout } = await run(
    process.execPath,
    [program, "-d", dist, "--dump-plugin-info", name],
    { encoding: "buffer" },
  );
  return decode(stdout) as Dump;
}

async function dumpedByUs(name: string): Promise<Dump[]> {
  const program = join(root, "dist/cli/main.js");
  const { stdout } = await run(process.execPath, [program, "schema", name]);
  return JSON.parse(stdout);
}

describe("kong-js-pluginserver on dist/plugins", () => {
  it("finds our plugins and nothing else", () => {
    expect(readdirSync(dist).sort()).toEqual(Object.keys(order).sort());
  });

  it.each(Object.keys(order))("loads %s and describes it as ours does", async (name) => {
    const [theirs, [ours]] = await Promise.all([dumpedByKongPdk(name), dumpedByUs(name)]);
    const { fields, ...schema } = theirs.Schema;
    // kong-pdk has no word for what options must be together.
    const config = ours!.Schema.fields.find((field) => "config" in field)!.config as object;
    Reflect.deleteProperty(config, "entity_checks");
    expect(ours).toEqual({
      ...theirs,
      Phases: theirs.Phases,
      Schema: {
        ...schema,
        fields: [expect.objectContaining({ protocols: expect.anything() }), ...fields],
      },
    });
  });
});
