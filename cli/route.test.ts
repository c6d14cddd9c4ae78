import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runKongLlm } from "../test/support/command";

const kongYaml = `_format_version: "3.0"
services:
  - name: s
    plugins:
      - name: llm-gateway
        config:
          models: { access: [{ consumers: [denied], allow: ["*"], deny: ["claude*"] }, { allow: ["*"] }] }
          route:
            choices:
              - name: auto
                tiers:
                  - { name: small, candidates: [{ model: deepseek-v3.2 }] }
                  - { name: strong, candidates: [{ model: claude-sonnet-4.5 }, { model: gpt-4.1 }] }
                rules: [{ tier: strong, headers: [{ name: X-App, values: [lawyers] }] }]
                wishes: [{ consumers: [vip] }, { consumers: [half], tiers: [small] }]
                baseline: claude-sonnet-4.5
`;

const easy = "안녕하세요!";
const hard = "Prove rigorously, step by step, that this lock-free algorithm is linearizable.";
const bodyOf = (content: string, more: object = {}) =>
  JSON.stringify({ model: "auto", messages: [{ role: "user", content }], ...more });

describe("kong-llm route", () => {
  let folder: string;
  let config: string[];
  const written = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "route-"));
    config = ["--config", written("kong.yaml", kongYaml)];
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function explained(content: string, flags: string[] = [], more: object = {}) {
    const file = written("body.json", bodyOf(content, more));
    return (await runKongLlm(["route", file, ...config, ...flags])).stdout;
  }

  it("says which model a request gets and why, and no word of it", async () => {
    const told = await explained(hard);
    expect(told).toMatch(/^tier +strong \(difficulty\)$/m);
    expect(told).toMatch(/^model +gpt-4.1$/m);
    expect(told).toMatch(/^claude-sonnet-4.5 +strong +can +\$/m);
    expect(told).not.toContain("linearizable");
  });

  it("goes by rules, by access and by what a model can do", async () => {
    expect(await explained(easy, ["--header", "X-App: lawyers"])).toMatch(/\(rule, rules\[0\]\)/);
    expect(await explained(hard, ["--consumer", "denied"])).toMatch(
      /^claude-sonnet-4.5 +strong +cannot: access/m,
    );
    expect(await explained(easy, [], { modalities: ["audio"] })).toContain("none can serve it");
  });

  it.each([
    ["by a header", ["--consumer", "vip", "--header", "X-LLM-Tier: strong"], {}],
    ["by a member", ["--consumer", "vip"], { llm_tier: "strong" }],
  ])("gives the tier that is wished for %s", async (_, flags, more) => {
    const told = await explained(easy, flags, more);
    expect(told).toMatch(/^wishes +may be small, strong$/m);
    expect(told).toMatch(/^tier +strong \(wish\)$/m);
  });

  it("tells who may not wish, or not for that, or for no tier at all", async () => {
    const strong = { llm_tier: "strong" };
    expect(await explained(easy, [], strong)).toMatch(
      /^wishes +none that this caller may have\ntier +small \(difficulty\)$/m,
    );
    expect(await explained(easy, ["--consumer", "half"], strong)).toMatch(
      /^wishes +may be small\ntier +small \(difficulty\)$/m,
    );
    expect(await explained(easy, ["--consumer", "vip"], { llm_tier: "huge" })).toMatch(
      /^wishes +may be small, strong; refused with 400: it names no tier$/m,
    );
  });

  it("tells of many requests how many get which tier, beside what each model alone would cost", async () => {
    const dir = mkdtempSync(join(folder, "many-"));
    writeFileSync(join(dir, "a.json"), bodyOf(hard));
    writeFileSync(join(dir, "b.jsonl"), `${bodyOf(easy)}\n${bodyOf("고마워요!")}\n`);
    const { stdout } = await runKongLlm(["route", "try", dir, ...config]);
    expect(stdout).toMatch(/^3 requests$/m);
    expect(stdout).toMatch(/^small +2 +67 %/m);
    expect(stdout).toMatch(/^strong +1 +33 %/m);
    expect(stdout).toMatch(/^claude-sonnet-4.5 \(baseline\) +0 +\$/m);
  });

  it("says what is wrong with a file without showing it", async () => {
    const file = written("broken.json", '{"secret": ');
    const { code, stderr } = await runKongLlm(["route", file, ...config]);
    expect(code).toBe(1);
    expect(stderr).toContain("is no request");
    expect(stderr).not.toContain("secret");
  });

  it("says what is wrong with a configuration or a header", async () => {
    const file = written("body.json", '{"model":"auto","messages":[]}');
    const ask = (...words: string[]) => runKongLlm(["route", file, ...words]);
    const open = await ask("--config", written("open.yaml", "a: [\nkey: CHANGEME-secret"));
    expect(open.stderr).toContain("open.yaml is no YAML");
    expect(open.stderr).not.toContain("CHANGEME-secret");
    const wrong = await ask(
      "--config",
      written("wrong.yaml", "name: llm-route\nconfig: { choices: 5 }"),
    );
    expect(wrong.stderr).toMatch(/llm-route in .*wrong\.yaml is not as it must be:\n {2}choices: /);
    const header = await ask(...config, "--header", "X-Team");
    expect(header.stderr).toContain("give it as X-Name: value");
  });
});
