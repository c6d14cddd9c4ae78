// The first minutes of a newcomer: how many commands stand between an empty folder and the first answer,
// and that the pages say what `kong-llm init` says.

import { describe, expect, it } from "vitest";
import { composePlan } from "../cli/init/compose";
import { hostPlan } from "../cli/init/host";
import { kubernetesPlan } from "../cli/init/kubernetes";
import { newSecrets } from "../cli/init/secrets";
import { wantedOf } from "../cli/init/wanted";
import { textOf } from "./support/yaml-files";

const secrets = newSecrets(undefined, true);

function blocks(page: string): string[] {
  return [...textOf(page).matchAll(/```sh\n(.*?)```/gs)].map(([, text]) => text!);
}

/** One for each that runs, however lines join them; what parentheses hold is one. */
function commandsIn(block: string): string[] {
  return block
    .replaceAll("\\\n", " ")
    .replace(/^\(set -a && \. \S+ && (.*)\)$/gm, "$1")
    .split(/\n|&&/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function blockWith(page: string, words: string): string {
  const found = blocks(page).filter((block) => block.includes(words));
  expect(found).toHaveLength(1);
  return found[0]!;
}

describe("the first answer", () => {
  it.each([
    ["docs/getting-started-kong-admin.md", "npx kong-llm demo", 2],
    ["docs/getting-started-kong-admin.md", "--platform host", 8],
    ["docs/getting-started-kubernetes.md", "--platform kind", 7],
  ])("of %s takes, from %s on, %i commands", (page, first, most) => {
    const commands = commandsIn(blockWith(page, first));
    expect(commands).toHaveLength(most);
    expect(commands.at(-1)).toMatch(/^curl -i .*\/v1\/chat\/completions/);
  });

  it("comes by what kong-llm init says", () => {
    const host = hostPlan(wantedOf({ platform: "host", upstream: "stand-in" }), secrets);
    const kind = kubernetesPlan(
      wantedOf({ platform: "kind", upstream: "stand-in" }),
      secrets,
      undefined,
      "llm.example.com",
    );
    const admin = blockWith("docs/getting-started-kong-admin.md", "--platform host");
    const cluster = blockWith("docs/getting-started-kubernetes.md", "--platform kind");
    for (const { command } of host.steps) expect(admin).toContain(`${command}\n`);
    for (const { command } of kind.steps) expect(cluster).toContain(`${command}\n`);
  });

  it("comes by Compose with two more commands than init", () => {
    const { steps } = composePlan(wantedOf({ upstream: "stand-in" }), secrets, undefined);
    expect(commandsIn(steps.map(({ command }) => command).join("\n"))).toHaveLength(2);
  });
});

describe("what app teams copy", () => {
  it.each(["docs/getting-started-app-team.md", "docs/getting-started-app-team.ko.md"])(
    "in %s imports what it uses, and takes its address and key from the environment",
    (page) => {
      const [, snippet] = /```python\n(.*?)```/s.exec(textOf(page))!;
      expect(snippet).toMatch(/^import os$/m);
      const named = [...snippet!.matchAll(/os\.environ\["(\w+)"\]/g)].map(([, name]) => name);
      expect(named).toEqual(["GATEWAY_URL", "GATEWAY_API_KEY"]);
      for (const name of named) expect(textOf(page).replace(snippet!, "")).toContain(name);
    },
  );
});

describe("what Kong's admins copy", () => {
  it.each(["docs/getting-started-kong-admin.md", "docs/getting-started-kong-admin.ko.md"])(
    "from %s into kong.yaml is an entry of a list, and no second list",
    (page) => {
      const [, entry] = /```yaml\n(.*?)```/s.exec(textOf(page))!;
      expect(entry).toMatch(/^ {2}- username: /);
    },
  );
});
