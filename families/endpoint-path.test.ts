import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endpoints } from "./endpoint";
import { deploymentAt, endpointAt, modelIdIn, openedBy, unversionedAt } from "./endpoint-path";

const posts = endpoints.filter(({ method }) => method === "POST").map(({ name }) => name);

function kindOf(method: string, path: string): string {
  const found = endpointAt(method, path);
  return typeof found === "string" ? found : found.name;
}

describe("openai", () => {
  describe("a path", () => {
    it.each([
      ["POST", "/v1/chat/completions", "chat/completions"],
      ["POST", "/openai/v1/chat/completions", "chat/completions"],
      ["POST", "/v1beta/openai/embeddings", "embeddings"],
      ["POST", "/chat/completions", "chat/completions"],
      ["POST", "/team-a/llm/v1/completions", "completions"],
      ["POST", "/V1/responses", "responses"],
      ["POST", "/v1/images/edits", "images/edits"],
      ["POST", "/v1/audio/transcriptions", "audio/transcriptions"],
      ["POST", "/v1/rerank", "rerank"],
      ["GET", "/v1/models", "models"],
      ["GET", "/v1/usage", "usage"],
      ["GET", "/openai/v1/usage", "usage"],
      ["GET", "/v1/organization/usage", "other"],
      ["POST", "/v1/usage", "other"],
      ["GET", "/v1/models/gpt-4.1", "models"],
      ["GET", "/v1/models/openai/o3", "models"],
      ["GET", "/v1/models/openai%2Fo3", "models"],
      ["GET", "/v1/models/%EB%AA%A8%EB%8D%B8", "models"],
      // What is stored of an endpoint's answers belongs to no tenant.
      ["GET", "/v1/chat/completions", "other"],
      ["DELETE", "/v1/responses", "other"],
      ["GET", "/v1/responses/resp_of_somebody", "other"],
      ["POST", "/v1/responses/resp_1/cancel", "other"],
      ["GET", "/v1/files", "other"],
      ["GET", "/v1/files/File-AbC123/content", "other"],
      ["DELETE", "/v1/models/ft:gpt-4.1:Somebody", "other"],
      ["POST", "/v1/models", "other"],
      ["GET", "/v1/realtime", "other"],
      ["POST", "/v1/edits", "other"],
      // Some servers ignore the method, or take it from elsewhere.
      ["PUT", "/v1/chat/completions", "misspelt"],
      ["PATCH", "/v1/responses", "misspelt"],
      // A base_url that says twice what its SDK says.
      ["POST", "/v1/v1/chat/completions", "misspelt"],
      ["POST", "/v1/v1/messages", "misspelt"],
      ["POST", "/v1/chat/completions/chat/completions", "misspelt"],
      ["POST", "/v1/chat/completions/v1/chat/completions", "misspelt"],
      ["POST", "/v1/completions/chat/completions", "misspelt"],
      // It names another model than its body may.
      ["POST", "/openai/deployments/gpt-4/chat/completions", "misspelt"],
      ["POST", "/v1/Engines/davinci/completions", "misspelt"],
      ["POST", "/models/llama/v1/chat/completions", "misspelt"],
    ])("%s %s is: %s", (method, path, kind) => {
      expect(kindOf(method, path)).toBe(kind);
    });

    it.each([
      "/v1/chat%2Fcompletions",
      "/v1/chat%252fcompletions",
      "/v1/chat/completion%73",
      "/v1/chat/completions%20",
      "/v1/chat/completions%00",
      "/v1/chat/completions%3Fa=b",
      "/v1/chat/completions%23",
      "/v1/chat/completions#x",
      "/v1/chat/completions;v=1",
      "/v1;x/chat/completions",
      "/v1/chat;x/completions",
      "/v1/Chat/Completions",
      "/v1/Chat/completions",
      "/v1/CHAT/COMPLETIONS",
      "/v1/images/Edits",
      "/v1\\chat\\completions",
      "/v1/chat\\completions",
      "/v1//chat/completions",
      "//v1/chat/completions",
      "/v1/chat//completions",
      "/v1/chat/completions/",
      "/v1/chat/completions//",
      "/v1/./chat/completions",
      "/v1/x/../chat/completions",
      "/v1/files/..%2fchat/completions",
      "/v1/chat/completions/.",
      "/v1/chat/completions.",
      "/v1/chat/completions.json",
      "/v1/chat/completions ",
      "/v1/chat/ completions",
      "/v1/chat/completions\t",
      "/v1/chat/completions\u0000x",
      "/v1/chat/completions\u007f",
      "/v1/chat/completions+",
      "/v1/ｃhat/completions",
      "v1/chat/completions",
      "",
      "/",
    ])("%j, which some server folds, is misspelt", (path) => {
      expect(kindOf("POST", path)).toBe("misspelt");
    });

    it.each([
      "/v1/Models",
      "/v1/models/",
      "/v1//models",
      "/v1/models/..%2ffiles",
      "/v1/models/%5C",
    ])("%s is no list of models", (path) => {
      expect(kindOf("GET", path)).toBe("misspelt");
    });

    it("that any of ten readings folds into an endpoint is that endpoint or misspelt", () => {
      fc.assert(
        fc.property(spelling, (path) => {
          const found = endpointAt("POST", path);
          const folds = [...readingsOf(path)].map(nameAt).filter((name) => name !== undefined);
          if (folds.length === 0) return;
          expect(found).not.toBe("other");
          if (typeof found !== "string") expect(new Set(folds)).toEqual(new Set([found.name]));
        }),
        { numRuns: 500 },
      );
    });
  });

  describe("a model that is named by the path", () => {
    it.each([
      ["/v1/openai/deployments/gpt-4/chat/completions", "gpt-4", "/v1/chat/completions"],
      ["/openai/deployments/my%20model/embeddings", "my model", "/v1/embeddings"],
      ["/v1/engines/davinci/completions", "davinci", "/v1/completions"],
      ["/v1/engines/openai%2Fo3/chat/completions", "openai/o3", "/v1/chat/completions"],
    ])("%s is %s, asked at %s", (path, model, plainPath) => {
      expect(deploymentAt(path)).toEqual({ model, path: plainPath });
    });

    it.each([
      "/v1/chat/completions",
      "/v1/openai/deployments",
      "/v1/openai/deployments/gpt-4/files",
      "/v1/openai/deployments/gpt-4/extensions/chat/completions",
      "/v1/deployments/a/deployments/b/chat/completions",
      "/v1/deployments/%2e%2e/chat/completions",
      "/v1/deployments/a%00/chat/completions",
      "/v1/deployments/gpt-4/chat%2fcompletions",
    ])("is none in %s", (path) => {
      expect(deploymentAt(path)).toBeUndefined();
    });

    it.each([
      ["/openai/responses", "/v1/responses"],
      ["/openai/audio/speech", "/v1/audio/speech"],
      ["/openai/v1/responses", undefined],
      ["/v1beta/openai/embeddings", undefined],
      ["/openai/files", undefined],
    ])("is none in %s, which Azure's SDK means as %s", (path, plainPath) => {
      expect(unversionedAt(path)).toBe(plainPath);
    });

    it("is decoded once behind /models/", () => {
      expect(modelIdIn("/v1/models")).toBe("");
      expect(modelIdIn("/v1/models/openai%2Fo3")).toBe("openai/o3");
      expect(modelIdIn("/v1/models/openai/o3")).toBe("openai/o3");
      expect(modelIdIn("/v1/models/%2567")).toBeUndefined();
      expect(modelIdIn("/v1/models/%E0%A4%A")).toBeUndefined();
    });
  });

  describe("other_endpoints", () => {
    const open = openedBy(["files*", "batches", "openai/x", "llm/plain", "*realtime*"]);

    it.each([
      ["/v1/files", "files*"],
      ["/v1/files/File-AbC/content", "files*"],
      ["/v1beta/openai/files", "files*"],
      ["/team/v1/batches", "batches"],
      ["/llm/plain", "llm/plain"],
    ])("open %s by %s", (path, glob) => {
      expect(open(path)).toBe(glob);
    });

    it.each([
      "/v1/batches/batch_1",
      "/v1/x/v1/files",
      "/llm/files",
      "/v1/files%2F..%2Fchat/completions",
      "/v1/files/../responses",
      "/v1//files",
      "/v1/realtime",
      "/v1/Realtime/sessions",
    ])("do not open %s", (path) => {
      expect(open(path)).toBeUndefined();
    });

    it("open no spelling of an endpoint, whatever is opened", () => {
      expect(openedBy(["*"])("/v1/Chat/Completions")).toBeUndefined();
      expect(openedBy(["*"])("/v1/deployments/gpt-4/chat/completions")).toBeUndefined();
    });
  });
});

/** Paths near an endpoint: pieces that servers fold are strewn into one. */
const piece = fc.constantFrom(
  ...["%2F", "%2f", "%5C", "%20", "%23", "%3B", "%3F", "%00", "%2E", "%252F", "%2573"],
  ...["/", "//", "\\", ";", ";a=b", "#", "?", "\u0000", " ", ".", "/.", "/..", "/x/..", "A", "x"],
);
const spelling = fc
  .tuple(
    fc.constantFrom("/v1", "", "/openai/v1", "/V1"),
    fc.constantFrom(...posts),
    fc.array(fc.tuple(piece, fc.nat(30)), { maxLength: 3 }),
    fc.constantFrom("none", "escape", "capital"),
    fc.nat(30),
  )
  .map(([prefix, name, pieces, change, place]) => {
    let path = changed(`${prefix}/${name}`, change, place);
    for (const [one, at] of pieces) {
      const where = at % (path.length + 1);
      path = path.slice(0, where) + one + path.slice(where);
    }
    return path;
  });

function changed(path: string, change: string, place: number): string {
  const at = place % path.length;
  const letter = path[at]!;
  const spelt =
    change === "escape"
      ? `%${letter.charCodeAt(0).toString(16)}`
      : change === "capital"
        ? letter.toUpperCase()
        : letter;
  return path.slice(0, at) + spelt + path.slice(at + 1);
}

function decode(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function walk(path: string): string {
  const walked: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") walked.pop();
    else if (segment !== ".") walked.push(segment);
  }
  return walked.join("/");
}

/** Ten ways in which servers read a path, alone and after one another. */
const ways: ((path: string) => string)[] = [
  decode,
  (path) => decode(decode(path)),
  (path) => path.toLowerCase(),
  (path) => path.replace(/[#?].*$/s, ""),
  (path) => path.replace(/;[^/]*/g, ""),
  (path) => path.replace(/\0.*$/s, ""),
  (path) => path.replaceAll("\\", "/"),
  walk,
  (path) => path.replace(/\/{2,}/g, "/").replace(/\/$/, ""),
  (path) => path.replace(/ +(?=\/|$)/g, "").replace(/\/ +/g, "/"),
];

function* readingsOf(path: string): Generator<string> {
  yield path;
  for (const one of ways) {
    yield one(path);
    for (const other of ways) yield other(one(path));
  }
}

const exactly = new RegExp(`^(?:/[^/]+)*?/(${posts.join("|")})$`);

/** The endpoint that a server routes a path to which is spelt plainly. */
function nameAt(path: string): string | undefined {
  const name = exactly.exec(path)?.[1];
  const before = name && path.slice(0, -name.length - 1);
  // OpenAI has messages of its own, of a thread.
  if (name?.startsWith("messages") && !/^$|\/v\d+[a-z]*\d*$/.test(before ?? "")) return undefined;
  return /[%;#?\\\0 ]|\/\.|\/\//.test(path) ? undefined : name;
}
