// The drawing of the house (CONTRIBUTING.md), compared with what the files import, and what must agree
// in several places of the tree.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";
import ts from "typescript";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { order } from "../kong/order";
import "../plugins/llm-gateway/index";
import { gatewayOptions } from "../plugins/llm-gateway/schema";
import type { PreparedStage } from "../stages/stage";
import { stageNames } from "../stages/stage-name";
import { filesBelow, root, textOf } from "./support/yaml-files";

// What llm-gateway defines, as it hands it to the adapter.
const { definePlugin } = vi.hoisted(() => ({ definePlugin: vi.fn((_: unknown) => ({})) }));
vi.mock("../kong/define-plugin", () => ({ definePlugin }));

// Each room, and the rooms below that it may import.
const openai = ["models"];
const families = ["openai", "anthropic", "models"];
const stages = ["families", ...families, "redis"];
const kong = ["stages", ...stages];
// Of OpenTelemetry: it reads what a request was, and the plugins tell it. Nobody below them knows of it.
const telemetry = ["stages", ...stages];
const plugins = ["kong", "telemetry", ...kong, "personal-data"];
const rooms: Record<string, string[]> = {
  cli: ["server", "page", "validate", "doctor", "plugins", ...plugins],
  server: ["page", "plugins", ...plugins],
  page: ["plugins", ...plugins],
  validate: ["plugins", ...plugins],
  doctor: ["plugins", ...plugins],
  plugins,
  kong,
  telemetry,
  stages,
  families,
  // What a request took is told in one form, whatever API stated it: models/usage.ts.
  openai,
  anthropic: openai,
  models: [],
  "personal-data": [],
  redis: [],
};
// For development and tests: they may import anything, and nothing of the product imports them.
const besides = ["stand-in", "dev", "test", "bench"];

// The demo is a command that ships the stand-ins, and what starts them.
const demo = "cli/demo.ts";
const shippedOfDev = ["dev/end-with-parent.ts", "dev/plugin-server.ts", "dev/start.ts"];

const directions = Object.entries(rooms).map(([room, below]): IForbiddenRuleType => {
  const above = [...Object.keys(rooms), ...besides].filter(
    (other) => other !== room && !below.includes(other),
  );
  return {
    name: `${room}/ imports nothing but ${["itself", ...below].join(", ")}`,
    from: { path: `^${room}/`, pathNot: `^${demo}$` },
    to: { path: `^(${above.join("|")})/` },
  };
});

const manners: IForbiddenRuleType[] = [
  {
    name: "no files import each other in a circle",
    from: { pathNot: `^(${besides.join("|")})/` },
    to: { circular: true },
  },
  {
    name: "no plugin imports a neighbour, but llm-gateway, which chains their stages",
    from: { path: "^plugins/([^/]+)/", pathNot: "^plugins/llm-gateway/" },
    to: { path: "^plugins/", pathNot: "^plugins/$1/" },
  },
  {
    name: "a plugin meets kong/ in its index.ts alone",
    from: { path: "^plugins/", pathNot: "^plugins/[^/]+/index\\.ts$" },
    to: { path: "^kong/" },
  },
];

const rules = [...directions, ...manners];

const isThere = (room: string) => existsSync(join(root, room));

describe("the rooms", () => {
  let seen: ICruiseResult;
  beforeAll(async () => {
    const { output } = await cruise(Object.keys(rooms).filter(isThere), {
      baseDir: root,
      // Types are ideas too.
      tsPreCompilationDeps: true,
      tsConfig: { fileName: join(root, "tsconfig.json") },
      exclude: { path: "\\.test\\.ts$" },
      doNotFollow: { path: "node_modules" },
      validate: true,
      ruleSet: { forbidden: rules },
    });
    seen = output as ICruiseResult;
  });

  it("are all read", () => {
    for (const room of Object.keys(rooms).filter(isThere)) {
      const read = seen.modules.filter(
        ({ source }) => source.startsWith(`${room}/`) && source.endsWith(".ts"),
      );
      const files = filesBelow(room).filter((file) => /(?<!\.test)\.ts$/.test(file));
      expect(read.map(({ source }) => source).sort()).toEqual(files.sort());
    }
  });

  it.each(rules.map(({ name }) => name!))("%s", (name) => {
    const broken = seen.summary.violations.filter(({ rule }) => rule.name === name);
    expect(broken.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });
});

describe("the suite", () => {
  it("runs the tests of every room", () => {
    const config = textOf("vitest.config.ts");
    const run = /"\{([\w,-]+)\}\/\*\*\/\*\.test\.ts"/.exec(config)?.[1]?.split(",") ?? [];
    const tested = Object.keys(rooms).filter((room) =>
      filesBelow(room).some((file) => file.endsWith(".test.ts")),
    );
    expect(run).toEqual(expect.arrayContaining(tested));
  });
});

describe("what is shipped", () => {
  it("is the rooms of the product and the stand-ins of its demo, without their tests", () => {
    const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} };
    const build = ts.getParsedCommandLineOfConfigFile(join(root, "tsconfig.build.json"), {}, host);
    const shipped = build!.fileNames.map((file) => file.slice(root.length + 1));
    const ours = [...Object.keys(rooms), "stand-in"].flatMap((room) => filesBelow(room));
    const expected = ours.filter((file) => /(?<!\.(?:test|fixture))\.ts$/.test(file));
    expect(shipped.sort()).toEqual([...expected, ...shippedOfDev].sort());
  });
});

describe("the order of the stages", () => {
  it("is one: of their names, of Kong's priorities, and in llm-gateway", () => {
    const [[gateway]] = definePlugin.mock.calls as [[{ stages(config: object): PreparedStage[] }]];
    const chained = gateway.stages(gatewayOptions.parse({}));
    expect(chained.map(({ name }) => name)).toEqual(stageNames);

    const { "llm-gateway": together, ...alone } = order;
    const byPriority = Object.entries(alone).sort(([, one], [, other]) => other - one);
    expect(byPriority.map(([name]) => name)).toEqual(
      stageNames.map((name) => `llm-${name.replace("_", "-")}`),
    );
    expect(together).toBeLessThan(Math.min(...Object.values(alone)));
  });
});

describe("a file", () => {
  it("has at most 250 lines, unless it is data or a test", () => {
    const files = filesBelow().filter(
      (file) => /\.(ts|lua)$/.test(file) && !file.endsWith(".test.ts"),
    );
    expect(files.length).toBeGreaterThan(100);
    const long = files.filter((file) => textOf(file).trimEnd().split("\n").length > 250);
    expect(long).toEqual([]);
  });

  it("of examples/ has at most 130 lines, but for what Kong needs without Lua files", () => {
    const examples = filesBelow("examples").filter((file) => !file.includes("without-lua-files"));
    expect(examples).not.toEqual([]);
    const long = examples.filter((file) => textOf(file).trimEnd().split("\n").length > 130);
    expect(long).toEqual([]);
  });
});
