// The token that opens the page, and what follows from holding it: a session in a cookie, which tells when
// it ends and is signed with the token. So no session is kept here, all nodes with one token know it, and
// another token ends them all. Guesses are few; what is signed cannot be guessed.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { LRUCache } from "lru-cache";

export const cookieName = "kong_llm_page";
export const sessionSeconds = 12 * 3600;

const fewestChars = 16;
const recheckMs = 1000;
const minuteMs = 60_000;
/** Wrong tokens in a minute: of one address, and of all. */
const mostWrong = { ofOne: 10, ofAll: 100 };

export type TokenSource = { value: string } | { file: string };

/** What a request shows of itself. */
interface Shown {
  /** The value of our cookie. */
  cookie?: string;
  /** The Authorization header. */
  authorization?: string;
  /** Where it comes from. */
  address: string;
}

type Admitted = "yes" | "no" | "wrong" | "too many";

export class Admission {
  private readonly wrong = new LRUCache<string, number>({ max: 10_000, ttl: minuteMs });
  private readonly read: () => string;

  /** @throws Error where there is no token, or one that could be guessed */
  constructor(
    source: TokenSource,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.read = "value" in source ? constant(source.value) : inFile(source.file, now);
  }

  /** `no`: it shows nothing. */
  admits({ cookie, authorization, address }: Shown): Admitted {
    if (cookie !== undefined && this.isSession(cookie)) return "yes";
    const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    return bearer === undefined ? "no" : this.tries(bearer, address);
  }

  /** Whether it is the token; the same time for each wrong one. */
  tries(token: string, address: string): Exclude<Admitted, "no"> {
    const [ofOne, ofAll] = [`of ${address}`, "of all"];
    const isLocked =
      (this.wrong.get(ofOne) ?? 0) >= mostWrong.ofOne ||
      (this.wrong.get(ofAll) ?? 0) >= mostWrong.ofAll;
    if (isLocked) return "too many";
    if (isEqual(token, this.read())) return "yes";
    for (const whose of [ofOne, ofAll]) {
      // The minute begins with the first wrong one, and does not begin anew with each.
      const ttl = this.wrong.getRemainingTTL(whose) || minuteMs;
      this.wrong.set(whose, (this.wrong.get(whose) ?? 0) + 1, { ttl });
    }
    return "wrong";
  }

  /** The value of a cookie for who has shown the token. */
  session(): string {
    const end = Math.floor(this.now() / 1000) + sessionSeconds;
    return `${end}.${this.signed(end)}`;
  }

  private isSession(cookie: string): boolean {
    const [, end, signature] = /^(\d{1,12})\.([\w-]{43})$/.exec(cookie) ?? [];
    if (end === undefined || signature === undefined || Number(end) * 1000 < this.now())
      return false;
    return isEqual(signature, this.signed(Number(end)));
  }

  private signed(end: number): string {
    return createHmac("sha256", this.read()).update(`page until ${end}`).digest("base64url");
  }
}

function isEqual(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

function constant(value: string): () => string {
  const token = usable(value, "the token of the operators' page");
  return () => token;
}

/** Read again when it may have changed: a Kubernetes secret is replaced in its place. */
function inFile(file: string, now: () => number): () => string {
  const read = () => usable(textIn(file), `the token in ${file}`);
  let token = read();
  let checkedAt = now();
  return () => {
    if (now() - checkedAt < recheckMs) return token;
    checkedAt = now();
    try {
      token = read();
    } catch {
      // Gone, or empty while it is written: the one that was read before is it still.
    }
    return token;
  };
}

function textIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new Error(`the token of the operators' page cannot be read (${code}): ${file}`);
  }
}

function usable(text: string, what: string): string {
  const token = text.trim();
  if (token.length < fewestChars || !/^[\x21-\x7e]+$/.test(token)) {
    throw new Error(
      `${what} must have at least ${fewestChars} characters, none of them a space: openssl rand -hex 24 makes one`,
    );
  }
  return token;
}
