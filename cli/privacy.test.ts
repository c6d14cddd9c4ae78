import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runKongLlm } from "../test/support/command";

describe("kong-llm privacy try", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "privacy-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const written = (name: string, text: string | Buffer) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const body = JSON.stringify({
    ...{
      model: "m",
      messages: [{ role: "user", content: "call 010-1234-5678, 4111 1111 1111 1111" }],
    },
  });
  const kongYaml = `_format_version: "3.0"
services:
  - name: s
    plugins:
      - name: llm-gateway
        config: { privacy: { enabled: true, recognisers: [{ name: card, action: refuse }] } }
`;

  it("shows how a request goes upstream, and what was found in it only when asked", async () => {
    const file = written("body.json", body);
    const { stdout } = await runKongLlm(["privacy", "try", file]);
    expect(stdout).toContain("call [PHONE_1], [CARD_1]");
    expect(stdout).not.toContain("010-1234-5678");
    const shown = await runKongLlm(["privacy", "try", file, "--values"]);
    expect(shown.stdout).toContain("010-1234-5678");
  });

  it("goes by the options of a kong.yaml, and takes any text", async () => {
    const config = written("kong.yaml", kongYaml);
    const refused = await runKongLlm([
      "privacy",
      "try",
      written("b.json", body),
      "--config",
      config,
    ]);
    expect(refused.stdout).toContain("refused with 400");
    const text = written("text.txt", "메일은 kim@example.com 입니다");
    const { stdout } = await runKongLlm(["privacy", "try", text, "--format", "json"]);
    expect(JSON.parse(stdout)).toEqual({
      findings: [{ recogniser: "email", action: "mask", member: "input" }],
      masked: '{"input":"메일은 [EMAIL_1] 입니다"}',
      hasUnread: false,
    });
  });

  it("says what is wrong with a file or a configuration", async () => {
    const config = written("none.yaml", '_format_version: "3.0"\n');
    const none = await runKongLlm(["privacy", "try", written("b2.json", body), "--config", config]);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("names neither");
    const broken = await runKongLlm(["privacy", "try", written("broken.json", '{"a":')]);
    expect(broken.stderr).toContain("is no body of a request");
    const wrong = "name: llm-privacy\nconfig: { action: nonsense }\n";
    const refused = await runKongLlm([
      ...["privacy", "try", written("b3.json", body), "--config", written("wrong.yaml", wrong)],
    ]);
    expect(refused.stderr).toMatch(/wrong\.yaml is not as it must be:\n {2}action: /);
    const open = await runKongLlm([
      ...["privacy", "try", written("b4.json", body), "--config", written("open.yaml", "a: [")],
    ]);
    expect(open.stderr).toContain("open.yaml is no YAML");
    const bytes = await runKongLlm(["privacy", "try", written("latin.txt", Buffer.from([0xfc]))]);
    expect(bytes.stderr).toContain("latin.txt is not in UTF-8");
  });

  it("finds the options among several documents, as llm-gateway has them: off unless enabled", async () => {
    const config = written(
      "objects.yaml",
      "kind: Secret\n---\nplugin: llm-gateway\nconfig: { privacy: { action: refuse } }\n",
    );
    const file = written("b5.json", `\uFEFF${body}`);
    const { stdout } = await runKongLlm(["privacy", "try", file, "--config", config]);
    expect(stdout).toContain("not enabled: nothing of this happens");
  });
});
