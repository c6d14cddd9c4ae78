// What holds for every YAML file that an operator copies or applies.

import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { version } from "../package.json";
import {
  documentsOf,
  filesBelow,
  mapsIn,
  root,
  textOf,
  textsIn,
  yamlFilesBelow,
} from "./support/yaml-files";

const run = promisify(execFile);

const every = yamlFilesBelow();
const files = every.filter((file) => !file.startsWith("test/"));
const deployed = [
  ...files,
  ...filesBelow("examples").filter((file) => file.endsWith(".env")),
  "Dockerfile",
];

async function optionsOf(plugin: string): Promise<z.ZodType> {
  const schema: object = await import(join(root, "plugins", plugin, "schema.ts"));
  return Object.values(schema).find((value) => value instanceof z.ZodType)!;
}

const plugins = new Set(readdirSync(join(root, "plugins")));

/** Plugins as decK has them, in a list named `plugins`, and as Kubernetes has them. */
function ourPluginsIn(file: string): { name: string; config: unknown }[] {
  return mapsIn(documentsOf(file)).flatMap(({ key, map }) => {
    const name = String(key === "plugins" ? map.name : map.plugin);
    return plugins.has(name) ? [{ name, config: map.config ?? {} }] : [];
  });
}

describe("every YAML file", () => {
  it.each(every)("%s loads", (file) => {
    expect(documentsOf(file).length).toBeGreaterThan(0);
  });

  const configuring = files.filter((file) => ourPluginsIn(file).length > 0);

  it("is found where plugins are configured", () => {
    expect(configuring).toEqual(
      expect.arrayContaining(["kong.yaml", "kubernetes/base/plugins.yaml"]),
    );
  });

  it.each(configuring)("%s has only options that the schemas know", async (file) => {
    for (const { name, config } of ourPluginsIn(file)) {
      // What a schema does not know is not in what it returns.
      expect((await optionsOf(name)).parse(config)).toMatchObject(config as object);
    }
  });
});

describe("what is deployed", () => {
  it("has nothing that kong-llm validate would warn of", async () => {
    const command = ["--import", pathToFileURL(require.resolve("tsx")).href, "cli/main.ts"];
    const paths = ["kong.yaml", "kubernetes", "helm-values", "examples"];
    const { stdout } = await run(
      process.execPath,
      [...command, "validate", "--strict", "--format", "json", ...paths],
      { cwd: root },
    );
    expect(JSON.parse(stdout)).toEqual([]);
  });

  it("names our images by the version of the package", () => {
    const named = deployed.flatMap((file) => [
      ...textOf(file).matchAll(/kong-llm(?:-model-server)?:(\d+\.\d+\.\d+)/g),
    ]);
    expect(named.length).toBeGreaterThan(5);
    expect(new Set(named.map(([, tag]) => tag))).toEqual(new Set([version]));
  });

  it("names a version of every image", () => {
    const images = files.flatMap((file) =>
      mapsIn(documentsOf(file)).flatMap(({ map: { image, repository, tag } }) => [
        ...(typeof image === "string" ? [image] : []),
        ...(typeof repository === "string" ? [`${repository}:${tag}`] : []),
      ]),
    );
    const bases = [...textOf("Dockerfile").matchAll(/^ARG NODE=(\S+)|^FROM (\S+)/gm)]
      .map(([, pinned, from]) => pinned ?? from!)
      .filter((from) => from.includes(":"));
    expect(bases).not.toEqual([]);
    expect([...images, ...bases].filter((image) => !/:v?\d[\w.-]*$/.test(image))).toEqual([]);
  });

  it("pins every action of a pipeline to a commit", () => {
    const uses = files
      .flatMap((file) => textsIn(documentsOf(file)))
      .filter(({ key }) => key === "uses");
    expect(uses).not.toEqual([]);
    expect(uses.filter(({ text }) => !/@[0-9a-f]{40}$/.test(text))).toEqual([]);
  });

  it("says CHANGEME only in examples", () => {
    const marked = deployed.filter((file) => textOf(file).includes("CHANGEME"));
    expect(marked.filter((file) => !/^examples\/|\.example\.yaml$/.test(file))).toEqual([]);
  });

  it("holds no secret", () => {
    const secret =
      /\bsk-[\w-]{12,}|\bgh[pousr]_\w{20,}|\bAKIA[0-9A-Z]{16}\b|PRIVATE KEY-----|\beyJ[\w-]{20,}/;
    expect(deployed.filter((file) => secret.test(textOf(file)))).toEqual([]);
    const values = deployed.flatMap((file) =>
      [
        ...textOf(file).matchAll(/^\s*\w*(?:PASSWORD|API_KEY|SECRET|TOKEN)\w*\s*[:=]\s*(\S.*)$/gm),
      ].map(([line, value]) => ({ line, value: value! })),
    );
    // References, and what is to be replaced.
    const harmless = /^(CHANGEME|["']?\$\{.*|.*\$\{\{.*)$/;
    expect(values).not.toEqual([]);
    expect(values.filter(({ value }) => !harmless.test(value)).map(({ line }) => line)).toEqual([]);
  });

  it("gives a consumer's key only as a reference", () => {
    const keys = files
      .flatMap((file) => mapsIn(documentsOf(file)))
      .filter(({ key }) => key === "keyauth_credentials")
      .map(({ map }) => String(map.key));
    expect(keys).not.toEqual([]);
    expect(keys.filter((key) => !/^(Bearer )?\$\{\{ env "DECK_\w+" \}\}$/.test(key))).toEqual([]);
  });
});

describe("the documents", () => {
  const documents = filesBelow().filter((file) => file.endsWith(".md"));

  it.each(documents)("%s links only to what is there", (file) => {
    const links = [...textOf(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
      ([, link]) => link!,
    );
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    const broken = local.filter((link) => !existsSync(join(root, dirname(file), link)));
    expect(broken).toEqual([]);
  });
});
