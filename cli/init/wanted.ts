// What `kong-llm init` wants to know: four answers, each a flag, a question and a default.

import { InvalidArgumentError } from "commander";

export const platforms = ["compose", "host", "kubernetes", "kind", "minikube"] as const;
type Platform = (typeof platforms)[number];

export interface Wanted {
  platform: Platform;
  /** Undefined: the stand-in model of this package answers. Its path is what stands before /v1. */
  upstream: URL | undefined;
  /** Username of the first client app. */
  consumer: string;
  /** What each client may ask in a minute. */
  requestsPerMinute: number;
}

interface Question<Answer> {
  flag: string;
  question: string;
  standard: string;
  /** Throws an InvalidArgumentError that says how to put it. */
  parse(text: string): Answer;
}

export const questions: { [Name in keyof Wanted]: Question<Wanted[Name]> } = {
  platform: {
    flag: "--platform <where>",
    question: `Where shall the gateway run (${platforms.join(", ")})?`,
    standard: "compose",
    parse: platform,
  },
  upstream: {
    flag: "--upstream <url>",
    question: "Which API is behind it: its address, or stand-in to try it without one?",
    standard: "https://api.holysheep.ai",
    parse: upstream,
  },
  consumer: {
    flag: "--consumer <name>",
    question: "What is the first client app called?",
    standard: "demo-app",
    parse: consumer,
  },
  requestsPerMinute: {
    flag: "--requests-per-minute <count>",
    question: "How many requests a minute may each client make?",
    standard: "1000",
    parse: count,
  },
};

/** The answers, from texts; the default where there is none. */
export function wantedOf(given: Partial<Record<keyof Wanted, string>>): Wanted {
  const answer = <Name extends keyof Wanted>(name: Name): Wanted[Name] =>
    questions[name].parse(given[name] ?? questions[name].standard);
  return {
    platform: answer("platform"),
    upstream: answer("upstream"),
    consumer: answer("consumer"),
    requestsPerMinute: answer("requestsPerMinute"),
  };
}

function platform(text: string): Platform {
  const found = platforms.find((one) => one === text);
  if (found) return found;
  throw new InvalidArgumentError(`"${text}" is none of ${platforms.join(", ")}`);
}

// People paste the base_url of an SDK, or what an example of curl asks: the paths of requests bring their
// /v1 and their endpoint.
const behindOrigin =
  /(?:\/v1(?:\/(?:chat\/completions|completions|responses|embeddings|messages|models))?)?\/*$/;

function upstream(text: string): URL | undefined {
  if (text === "stand-in") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash;
  if (!isOrigin || url.username || url.password) {
    throw new InvalidArgumentError("give it as https://HOST, without a key in it, or as stand-in");
  }
  url.pathname = url.pathname.replace(behindOrigin, "");
  return url;
}

// It becomes a name in Kubernetes and part of that of an environment variable.
function consumer(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError(
    "give it lower case letters, digits and dashes, as in team-search",
  );
}

/** As a certificate and an Ingress take it (RFC 1123). */
export function hostName(text: string): string {
  const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
  if (text.length <= 253 && new RegExp(`^${label}(?:\\.${label})*$`).test(text)) return text;
  throw new InvalidArgumentError("give it as llm.example.com, in lower case");
}

function count(text: string): number {
  // As much as a limit may be.
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("give a whole number above 0");
}
