// docs/answers.md: every refusal that this gateway makes by itself, read from the calls of refuse() in the
// sources, and from what stands in place of Kong's own words. When it is given is the doc comment of the function or
// constant around the call; a call that cannot be read stops `npm run docs`, so that none is missing.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import {
  misconfigured,
  type OwnAnswer,
  ofGateway,
  ofUpstream,
  redirected,
} from "../../kong/own-answers";
import { callsOf, texts, unknown, variants } from "./literals";

export interface Refusal {
  status: number;
  kinds: { code: string | null; type: string }[];
  /** The file that makes it. */
  file: string;
  /** When it is given: once, or for each message. */
  when: string[];
  /** What the client reads; `…` stands for what only the request knows. */
  messages: string[];
}

const rooms = ["kong", "plugins", "server", "stages"];

/** By status, then by file. @param root the folder of the repository */
export function refusals(root: string): Refusal[] {
  const sources = rooms.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
      .filter((file) => /(?<!\.test|\.fixture)\.ts$/.test(file))
      .map((file) => join(room, file)),
  );
  const found = [
    ...sources.flatMap((file) => refusalsIn(file, readFileSync(join(root, file), "utf8"))),
    ...ownAnswers(),
  ];
  return found.sort((one, other) => one.status - other.status || (one.file < other.file ? -1 : 1));
}

/** @throws Error that names the place of a call that cannot be read */
export function refusalsIn(file: string, source: string): Refusal[] {
  if (!source.includes("refuse(")) return [];
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  if (!tree.statements.some(importsRefuse)) return [];
  const found: Refusal[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === "refuse") {
      found.push(refusalOf(node, file));
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

function importsRefuse(statement: ts.Statement): boolean {
  if (!ts.isImportDeclaration(statement)) return false;
  const { moduleSpecifier, importClause } = statement;
  const bindings = importClause?.namedBindings;
  const from = ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : "";
  const names = bindings && ts.isNamedImports(bindings) ? bindings.elements : [];
  return from.endsWith("/exchange") && names.some(({ name }) => name.text === "refuse");
}

function refusalOf(call: ts.CallExpression, file: string): Refusal {
  const { line } = call.getSourceFile().getLineAndCharacterOfPosition(call.getStart());
  const place = `${file}:${line + 1}`;
  const status = call.arguments.find(ts.isNumericLiteral);
  const kinds = call.arguments.flatMap(variants).filter(({ message }) => message);
  const messages = kinds.flatMap(({ message }) => texts(message!));
  const when = docComments(call);
  if (!status || kinds.length === 0 || messages.length === 0) {
    throw new Error(`${place}: refuse() needs a status and an error as literals to be documented`);
  }
  if (when.length === 0) throw new Error(`${place}: say in a doc comment when this is answered`);
  return {
    status: Number(status.text),
    kinds: kinds.map(({ code, type }) => ({
      code: code && code.kind !== ts.SyntaxKind.NullKeyword ? only(code, place) : null,
      type: only(type, place),
    })),
    file,
    when,
    messages: [...new Set(messages)],
  };
}

function only(value: ts.Expression | undefined, place: string): string {
  const [text, ...more] = value ? texts(value) : [];
  if (!text || text.includes(unknown) || more.length > 0) {
    throw new Error(`${place}: the code and type of a refusal must be literals`);
  }
  return text;
}

/** That of the nearest function or constant around a node; where a function has none, its callers'. */
function docComments(node: ts.Node): string[] {
  for (let here = node.parent; here; here = here.parent) {
    const [doc] = ts.getJSDocCommentsAndTags(here).filter(ts.isJSDoc);
    if (doc) return [(ts.getTextOfJSDocComment(doc.comment) ?? "").replaceAll(/\s+/g, " ")];
    if (ts.isFunctionDeclaration(here)) return callsOf(here).flatMap(docComments);
  }
  return [];
}

/** What the client reads in place of Kong's own words. */
function ownAnswers(): Refusal[] {
  const sides: [Record<number, OwnAnswer>, string][] = [
    [
      ofGateway,
      "Kong, or another plugin, answers by itself before ours have let the request through.",
    ],
    [ofUpstream, "Kong answers by itself for an upstream that did not."],
    [redirected, "The upstream answers a POST with a redirect."],
    [
      misconfigured,
      "The plugin server refuses the config of the plugin, or kong.conf names no socket.",
    ],
  ];
  return sides.flatMap(([answers, when]) =>
    Object.entries(answers)
      .filter(([status, answer]) => answers === ofGateway || ofGateway[Number(status)] !== answer)
      .map(([status, { code, type, message }]) => ({
        status: Number(status),
        kinds: [{ code, type }],
        file: "kong/own-answers.ts",
        when: [when],
        messages: [message],
      })),
  );
}

export function answersPage(found: Refusal[]): string {
  const rows = found.map(({ status, kinds, file, when, messages }) => {
    const kind = kinds.map(({ code, type }) => `\`${code}\`, \`${type}\``).join("<br>");
    return `| ${status} | ${kind} | ${linkTo(file)} | ${when.join("<br>")} | ${messages.join("<br>")} |`;
  });
  return `<!-- Written by \`npm run docs\` from the calls of refuse() and kong/own-answers.ts: change those. -->
# Answers

Every refusal that the gateway makes by itself, in the shape of OpenAI's API: \`{"error": {"message", "type", "param", "code"}}\`, with \`X-LLM-Source: gateway\`. By itself it also answers what the [cache](../plugins/llm-cache/README.md) holds and the [list of models](../plugins/llm-models/README.md). All else is the upstream's (\`X-LLM-Source: upstream\`), or Kong's own where none of our plugins runs: 404 \`no Route matched\` for a path without a route, 426 for plain HTTP on a route that wants https, 400 and 494 of nginx for what is no HTTP.

| Status | Code, type | Who | When | What the client reads |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

function linkTo(file: string): string {
  const plugin = /^plugins\/([^/]+)/.exec(file)?.[1];
  return plugin ? `[${plugin}](../plugins/${plugin}/README.md)` : `[${file}](../${file})`;
}
