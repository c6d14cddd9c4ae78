// kong-llm render: kong.yaml as DB-less Kong takes it, with the environment filled in.

import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { renderDeclarative } from "../kong/declarative";
import { textIn } from "./given-file";

interface RenderOptions {
  output?: string;
  upstream?: URL;
}

export function addRender(program: Command): void {
  program
    .command("render")
    .argument(
      "<file>",
      "kong.yaml, with env references to DECK_ variables in it; - for standard input",
    )
    .description("print the configuration for DB-less Kong; fails when a variable is missing")
    .option("--output <file>", "write it there; readable to the owner and group only")
    .addOption(
      new Option("--upstream <origin>", "send all services there instead, to try things out")
        .env("KONG_LLM_UPSTREAM")
        .argParser(origin),
    )
    .action((file: string, { output, upstream }: RenderOptions) => {
      const rendered = renderDeclarative(declarativeIn(file), process.env, upstream);
      // It holds consumers' keys.
      if (output !== undefined) writeFileSync(output, rendered, { mode: 0o640 });
      else process.stdout.write(rendered);
    });
}

function declarativeIn(file: string): string {
  const text = textIn(file);
  // Values of a chart are a map of entities, too, as far as it tells.
  if (text.includes("_format_version")) return text;
  throw new Error(`${file} has no _format_version: write "3.0", if it is the file that was meant`);
}

/** Undefined for an empty text: an environment variable that is set to nothing. */
function origin(text: string): URL | undefined {
  if (text === "") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.pathname === "/" && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidArgumentError("give it as http://HOST:PORT, without a path");
}
