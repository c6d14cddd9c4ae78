import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { refusals, refusalsIn } from "./refusals";

const root = join(__dirname, "../..");
const header = `import { refuse } from "../../stages/exchange";\n`;

describe("the page of answers", () => {
  it("tells when, with which codes and in which words a refusal is given", () => {
    const source = `${header}
/** The body is too long. */
function tooLong(bytes: number, isHuge: boolean) {
  const what = isHuge ? "huge" : "long";
  return refuse(413, { message: \`\${bytes} bytes are \${what}.\`, ...kindOf(bytes) });
}
function kindOf(bytes: number) {
  if (bytes > 9) return { type: "a", code: "many" };
  return { type: "b", code: null };
}`;
    expect(refusalsIn("plugins/llm-some/stage.ts", source)).toEqual([
      {
        status: 413,
        kinds: [
          { type: "a", code: "many" },
          { type: "b", code: null },
        ],
        file: "plugins/llm-some/stage.ts",
        when: ["The body is too long."],
        messages: ["… bytes are huge.", "… bytes are long."],
      },
    ]);
  });

  it("follows messages to the calls in the same file, and takes the comments there", () => {
    const source = `${header}
/** It is gone. */
const gone = unavailable("Gone.");
/** It is not here yet. */
const early = (name: string) => unavailable(\`\${name} is early.\`);
function unavailable(message: string) {
  const error = { message, type: "server_error", code: "down" };
  return refuse(503, error);
}`;
    expect(refusalsIn("a.ts", source)).toMatchObject([
      { messages: ["Gone.", "… is early."], when: ["It is gone.", "It is not here yet."] },
    ]);
  });

  it("is not written while a refusal has no comment, or a code that cannot be read", () => {
    const call = `refuse(503, { message: "No.", type: "server_error", code: "down" })`;
    expect(() => refusalsIn("a.ts", `${header}const no = ${call};`)).toThrow(
      "a.ts:2: say in a doc comment when this is answered",
    );
    const computed = `/** No. */\nconst no = ${call.replace('"down"', "codeOf(request)")};`;
    expect(() => refusalsIn("a.ts", header + computed)).toThrow("a.ts:3: the code and type");
    expect(() => refusalsIn("a.ts", `${header}/** No. */\nconst no = refuse(503, error);`)).toThrow(
      "a.ts:3: refuse() needs a status and an error as literals",
    );
  });

  it("has what stands in place of Kong's own words, and nothing is refused past both", () => {
    expect(refusals(root)).toContainEqual(
      expect.objectContaining({
        status: 504,
        kinds: [{ code: "upstream_timeout", type: "server_error" }],
      }),
    );
    const makers = ["kong", "plugins", "server", "stages"]
      .flatMap((room) =>
        readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
          .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
          .map((file) => join(room, file)),
      )
      .filter((file) => readFileSync(join(root, file), "utf8").includes("errorBody"));
    expect(makers).toEqual(["kong/caller-shape.ts", "kong/own-answers.ts", "stages/exchange.ts"]);
    const lua = readdirSync(join(root, "lua"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".lua"))
      .filter((file) => readFileSync(join(root, "lua", file), "utf8").includes('"error":{'));
    expect(lua).toEqual([]);
  });
});
