// kong-llm doctor: looks at a running gateway as a client does, and says what to do. The exit code is
// 1 when something is wrong, 2 when the gateway cannot be examined.

import { type Command, InvalidArgumentError, Option } from "commander";
import { examine } from "../doctor/examination";
import type { DoctorOptions } from "../doctor/gateway-client";
import type { Diagnosis } from "../doctor/verdict";

interface CommandOptions extends DoctorOptions {
  format: "text" | "json";
}

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("is a running gateway guarding? asks a model some ten small questions")
    .addOption(required("--url <url>", "address of the gateway, without /v1").argParser(url))
    .addOption(required("--key <key>", "a client's key").env("KONG_LLM_DOCTOR_KEY"))
    .option("--model <name>", "a model to ask; default: the first that the gateway lists")
    .option("--health-url <url>", "address of the plugin server's /metrics: tells more", url)
    .option("--echo-path <path>", "path whose upstream echoes request headers: tells more")
    .addOption(
      new Option("--format <format>", "json: an array of verdicts")
        .choices(["text", "json"])
        .default("text"),
    )
    .action(async ({ format, ...options }: CommandOptions) => {
      try {
        tell(await examine(options), format);
      } catch (error) {
        process.stderr.write(`kong-llm: ${(error as Error).message}\n`);
        process.exitCode = 2;
      }
    });
}

function required(flags: string, description: string): Option {
  return new Option(flags, description).makeOptionMandatory();
}

function url(text: string): URL {
  if (!URL.canParse(text)) throw new InvalidArgumentError("give it as http://127.0.0.1:8000");
  return new URL(text);
}

const signs = { ok: "ok     ", wrong: "WRONG  ", unknown: "unknown" };

function tell(diagnoses: Diagnosis[], format: CommandOptions["format"]): void {
  if (diagnoses.some(({ result }) => result === "wrong")) process.exitCode = 1;
  if (format === "json") {
    process.stdout.write(`${JSON.stringify(diagnoses, undefined, 2)}\n`);
    return;
  }
  const width = Math.max(...diagnoses.map(({ question }) => question.length));
  const indent = " ".repeat(signs.ok.length + 2 + width + 2);
  for (const { result, question, found, todo } of diagnoses) {
    process.stdout.write(`${signs[result]}  ${question.padEnd(width)}  ${found}\n`);
    if (todo) process.stdout.write(`${indent}-> ${todo}\n`);
  }
}
