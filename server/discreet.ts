// What may be said about an error. Its message may repeat what Kong gave us (an upstream key from the
// config, a prompt from a body), and neither belongs in a log line or in an answer.

/** An error as a log line shows it. */
interface ToldError {
  name: string;
  message: string;
  code?: string;
  /** Where it was thrown: function, file and line, no values. */
  frames?: string[];
}

const longestMessage = 200;
const blockLength = 8;
const hidden = "(not shown: it may repeat something of the request or of the config)";

/**
 * Tells an error without repeating any longer part of the texts found in `values`. Without values
 * nothing is known about what the message may repeat, so it is not shown.
 */
export function tell(error: unknown, values?: unknown): ToldError {
  if (!(error instanceof Error)) return { name: typeof error, message: hidden };
  const code = (error as NodeJS.ErrnoException).code;
  return {
    name: error.name,
    message: hideIn(error.message, values),
    ...(typeof code === "string" && { code }),
    frames: framesOf(error),
  };
}

/**
 * One sentence for the operator about a config that a plugin refused. A zod error is told by the
 * paths and what was expected there: never by the values.
 */
export function tellConfigError(error: unknown, config: unknown): string {
  const issues = (error as { issues?: { path?: unknown[]; message?: string }[] } | null)?.issues;
  if (!Array.isArray(issues)) return tell(error, config).message;
  return issues
    .map(({ path, message }) => `${path?.length ? path.join(".") : "config"}: ${message}`)
    .join("; ");
}

function hideIn(message: string, values: unknown): string {
  if (values === undefined) return hidden;
  const shown = message.slice(0, longestMessage);
  return textsOf(values).some((text) => repeats(shown, text)) ? hidden : shown;
}

// Any run of 15 characters that the message shares with the text holds one whole block of the
// message, so a quoted beginning of a secret is found as well as all of it.
function repeats(message: string, text: string): boolean {
  if (text.length < 2 * blockLength) return text.length >= 6 && message.includes(text);
  for (let at = 0; at + blockLength <= message.length; at += blockLength) {
    if (text.includes(message.slice(at, at + blockLength))) return true;
  }
  return false;
}

function textsOf(value: unknown, texts: string[] = []): string[] {
  if (typeof value === "string") texts.push(value);
  else if (Buffer.isBuffer(value)) texts.push(value.toString("latin1"));
  else if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) textsOf(part, texts);
  }
  return texts;
}

function framesOf(error: Error): string[] {
  const stack = error.stack ?? "";
  const start = stack.lastIndexOf(error.message) + error.message.length;
  return stack
    .slice(start)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("at "))
    .slice(0, 8);
}
