// Asks on the terminal what `kong-llm init` wants to know, again where an answer is of no use.

import { createInterface } from "node:readline/promises";
import { questions, type Wanted, wantedOf } from "./wanted";

/** @throws AbortError where the terminal is left */
export async function ask(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<Wanted> {
  const terminal = createInterface({ input, output });
  const left = new AbortController();
  terminal.once("close", () => left.abort());
  const given: Partial<Record<keyof Wanted, string>> = {};
  try {
    for (const [name, { question, standard, parse }] of Object.entries(questions)) {
      for (;;) {
        const said = await terminal.question(`${question} [${standard}] `, left);
        const text = said.trim() || standard;
        const problem = problemOf(() => parse(text));
        if (problem === undefined) {
          given[name as keyof Wanted] = text;
          break;
        }
        output.write(`${problem}\n`);
      }
    }
    return wantedOf(given);
  } finally {
    terminal.close();
  }
}

function problemOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
