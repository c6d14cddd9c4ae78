// What `kong-llm validate` says of configurations. test/config/refused/FAULT.yaml opens with the exact
// lines that it must be refused with, those of refused-beside-snippets/ when a second file brings the
// snippets for a Kong without Lua files; in test/config/accepted/ nothing is wrong.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { checkedPlugins } from "../cli/validate";
import { type SnippetName, snippet } from "../kong/snippets";
import { findingLine } from "../validate/finding";
import { validate } from "../validate/validate";
import { runKongLlm } from "./support/command";

const root = join(__dirname, "..");
const folder = (name: string) => join(root, "test/config", name);
const files = (name: string) => readdirSync(folder(name)).map((file) => file.replace(".yaml", ""));
const textOf = (name: string, fault: string) =>
  readFileSync(join(folder(name), `${fault}.yaml`), "utf8");

/** A file with the snippets, for all routes and as KongPlugins, as decK and kubectl take it. */
function snippetsFile(): { file: string; text: string } {
  const lua = (name: SnippetName) => [snippet(name, ["llm-gateway"])];
  const plugins = [
    { name: "pre-function", config: { access: lua("gather") } },
    {
      name: "post-function",
      config: {
        access: lua("carry-out"),
        header_filter: lua("present"),
        body_filter: lua("tap"),
        log: lua("report"),
      },
    },
  ];
  const objects = plugins.map(({ name, config }) => ({
    apiVersion: "configuration.konghq.com/v1",
    kind: "KongPlugin",
    metadata: { name },
    plugin: name,
    config,
  }));
  const documents = [{ _format_version: "3.0", plugins }, ...objects];
  return { file: "snippets.yaml", text: documents.map((one) => stringify(one)).join("---\n") };
}

/** The lines with which a file opens, as they are said of it. */
function expectedOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => /^# \d+: (error|warning): /.test(line));
  return lines.map((line) => `it.yaml:${line.slice(2)}`);
}

describe("kong-llm validate", async () => {
  const plugins = await checkedPlugins(join(root, "plugins"));
  const saidOf = (text: string, ...beside: { file: string; text: string }[]) =>
    validate([{ file: "it.yaml", text }, ...beside], { plugins, together: true }).map(findingLine);

  it.each(files("refused"))("refuses %s with its exact message", (fault) => {
    const text = textOf("refused", fault);
    const expected = expectedOf(text);
    expect(expected.length).toBeGreaterThan(0);
    expect(saidOf(text)).toEqual(expected);
  });

  it.each(files("refused-beside-snippets"))(
    "refuses %s beside the snippets with its exact message",
    (fault) => {
      const text = textOf("refused-beside-snippets", fault);
      const expected = expectedOf(text);
      expect(expected.length).toBeGreaterThan(0);
      expect(saidOf(text, snippetsFile())).toEqual(expected);
    },
  );

  it.each(files("accepted"))("finds nothing in %s", (name) => {
    expect(saidOf(textOf("accepted", name))).toEqual([]);
  });

  it("knows at least 40 faults", () => {
    expect(files("refused").length).toBeGreaterThanOrEqual(40);
  });

  it("finds nothing in the configurations that people copy", () => {
    const copied = ["examples", "helm-values", "kubernetes"].flatMap((name) => yamlIn(name));
    for (const file of ["kong.yaml", ...copied]) {
      const text = readFileSync(join(root, file), "utf8");
      const errors = validate([{ file, text }], { plugins }).filter(
        ({ severity, rule }) => severity === "error" && rule !== "unknown-kongplugin",
      );
      expect(errors.map(findingLine)).toEqual([]);
    }
  });

  it("repeats no key in what it says", () => {
    const config = { keys: [{ value: ["not", "a", "text", "secret-abc"] }], header: "" };
    const text = stringify({
      _format_version: "3.0",
      plugins: [
        { name: "llm-upstream-key", config },
        { name: "llm-cache", config: { redis: { url: "secret-abc" } } },
      ],
    });
    expect(saidOf(text).length).toBeGreaterThan(1);
    expect(saidOf(text).join("\n")).not.toContain("secret-abc");
  });

  it("reads a gateway whose 150 routes share an anchor", () => {
    const routes = Array.from({ length: 150 }, (_, index) => `  - { <<: *first, name: r${index} }`);
    const first = "  - &first { name: r, paths: [/v1], strip_path: false, response_buffering: no }";
    const text = ['_format_version: "3.0"', "routes:", first, ...routes].join("\n");
    expect(saidOf(text)).toEqual([]);
    const methods = routes.map((one) => one.replace("name", "methods: *second, name"));
    const second = first.replace("&first {", "&first { methods: &second [post],");
    const told = saidOf(['_format_version: "3.0"', "routes:", second, ...methods].join("\n"));
    expect(told).toHaveLength(151);
  });

  it("reads in files of variables what telemetry is told, and repeats no password", () => {
    const lines = [
      "KONG_LLM_TELEMETRY=traces",
      "OTEL_EXPORTER_OTLP_ENDPOINT=htp://user:hunter2@collector",
      "OTEL_EXPORTER_OTLP_HEADERS=api-key=CHANGEME",
      'OTEL_TRACES_SAMPLER="always" # or not',
    ];
    const told = validate([{ file: "deploy/.env", text: lines.join("\n") }], { plugins });
    expect(told.map(findingLine)).toEqual([
      expect.stringMatching(/^deploy\/\.env:2: error: OTEL_EXPORTER_OTLP_ENDPOINT: is no http/),
      expect.stringMatching(/^deploy\/\.env:4: warning: OTEL_TRACES_SAMPLER: is always, which is/),
    ]);
    expect(JSON.stringify(told)).not.toContain("hunter2");
    const off = lines.slice(1).join("\n");
    expect(validate([{ file: ".env", text: off }], { plugins })).toMatchObject([
      { line: 1, severity: "warning", rule: "telemetry-off" },
    ]);
    for (const file of ["examples/compose/demo.env", "examples/compose/production.env"]) {
      const text = readFileSync(join(root, file), "utf8");
      expect(validate([{ file, text }], { plugins })).toEqual([]);
    }
  });

  it("takes each kong.yaml for itself unless they are said to belong together", () => {
    const service = { name: "llm-upstream", url: "https://api.holysheep.ai/v1" };
    const one = stringify({ _format_version: "3.0", services: [service] });
    const route = { name: "all", service: service.name, paths: ["/v1"], strip_path: false };
    const two = stringify({ _format_version: "3.0", routes: [route] });
    const both = [
      { file: "one.yaml", text: one },
      { file: "two.yaml", text: two },
    ];
    expect(validate(both, { plugins })).toEqual([]);
    expect(validate(both, { plugins, together: true })).toMatchObject([
      { file: "one.yaml", rule: "doubled-path" },
    ]);
  });

  describe("as a command", () => {
    it("exits with 1 and a line for each finding", async () => {
      const file = join(folder("refused"), "kongplugin-option.yaml");
      expect(await run(file)).toEqual({
        code: 1,
        stdout: `${file}:${textOf("refused", "kongplugin-option").split("\n")[0]!.slice(2)}\n`,
        stderr: "1 errors, 0 warnings in 1 files\n",
      });
    });

    it("gives JSON to pipelines, and lets warnings pass unless they are to count", async () => {
      const file = join(folder("refused"), "helm-body-buffer.yaml");
      const { code, stdout } = await run(file, "--format", "json");
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual([
        {
          file,
          line: 4,
          severity: "warning",
          rule: "body-buffer",
          field: "env.pluginserver_names",
          message: expect.stringContaining("client_body_buffer_size"),
        },
      ]);
      expect((await run(file, "--strict")).code).toBe(1);
    });

    it("exits with 2 when a file cannot be read, or a folder holds none", async () => {
      expect((await run("no-such-file.yaml")).code).toBe(2);
      const { code, stderr } = await run("lua");
      expect([code, stderr]).toEqual([2, "kong-llm: lua holds no YAML file\n"]);
    });

    it("exits with 2 for a file in another alphabet than Kong reads", async () => {
      const directory = mkdtempSync(join(tmpdir(), "validate-"));
      try {
        const file = join(directory, "kong.yaml");
        // A comment in EUC-KR.
        writeFileSync(file, Buffer.from([0x23, 0xc7, 0xd1, 0x0a]));
        const { code, stderr } = await run(file);
        expect([code, stderr]).toEqual([2, `kong-llm: ${file} is not in UTF-8: save it so\n`]);
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  });
});

function yamlIn(name: string): string[] {
  try {
    return readdirSync(join(root, name), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => join(name, file));
  } catch {
    return [];
  }
}

const run = (...args: string[]) => runKongLlm(["validate", ...args]);
