// The ask socket: a Lua driver in Kong asks what shall become of a request, one question at a time on a
// connection, and gets one answer. Nothing that comes over it is trusted; frames: kong/ask-frame.ts.

import type { Socket } from "node:net";
import { z } from "zod";
import { type AskFrame, AskFrameError, AskSplitter, answerFrame } from "../kong/ask-frame";
import packageJson from "../package.json";
import type { Ruling } from "../stages/decision";
import { learnFrom } from "../stages/learn";
import { log } from "../stages/log";
import { delivery } from "../stages/outcome";
import { endingWithId } from "../stages/ticket";
import { outcomeNeverSent } from "../stages/unheard";
import { aboutConfigIn, decisionIn, questionIn } from "./asked";
import { Configs } from "./configs";
import { tell } from "./discreet";
import { type Instances, RefusedConfig, RpcError } from "./instances";
import { asks, malformed } from "./metrics";
import { noteRefused } from "./refused-configs";
import { secondTriesWanted, tellNextUpstream } from "./second-tries";

interface AskOptions {
  /** Seconds after which a question is given up: the request is then refused. */
  timeoutSeconds: number;
  /**
   * A question that has waited so many seconds to be read is refused at once: the driver gives up after
   * 15, and whoever decides for those that have given up has no time for those that wait.
   */
  lateSeconds: number;
  /** Questions beyond these are refused at once. */
  most: number;
}

const standard: AskOptions = { timeoutSeconds: 60, lateSeconds: 10, most: 50_000 };

// lua/ask.lua takes a server that is silent for 15 s for a dead one.
const heartbeatMs = 3000;

/** One question that is being decided. */
interface Open {
  socket: Socket;
  askedAt: number;
}

export class Asks {
  readonly #options: AskOptions;
  readonly #configs: Configs;
  readonly #open = new Set<Open>();
  readonly #heart: NodeJS.Timeout;
  #whenEmpty: (() => void)[] = [];
  #isEnding = false;

  constructor(instances: Instances, options: Partial<AskOptions> = {}) {
    this.#options = {
      timeoutSeconds: options.timeoutSeconds ?? standard.timeoutSeconds,
      lateSeconds: options.lateSeconds ?? standard.lateSeconds,
      most: options.most ?? standard.most,
    };
    this.#configs = new Configs(instances);
    this.#heart = setInterval(() => this.#beat(), heartbeatMs).unref();
  }

  /** Takes questions from a fresh socket until it closes. Nothing that the peer sends throws. */
  receive(socket: Socket): void {
    const splitter = new AskSplitter();
    const take = (frame: AskFrame) => this.#take(socket, frame);
    // How many bytes of the chunk count is said where it is a buffer that connections share.
    socket.on("data", (chunk: Buffer, length?: number) => {
      try {
        splitter.push(length === undefined ? chunk : chunk.subarray(0, length), take);
      } catch (error) {
        socket.destroy();
        if (!(error instanceof AskFrameError)) throw error;
        malformed.inc({ socket: "ask" });
        log.warn({ reason: error.message }, "ask connection closed: no frame of a driver");
      }
    });
  }

  /** Settles when nothing is being decided; then nothing is any more, as no answer would arrive. */
  async drained(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
    this.#isEnding = true;
  }

  stop(): void {
    clearInterval(this.#heart);
  }

  #take(socket: Socket, { kind, sections }: AskFrame): void {
    if (kind === "C") this.#learnConfig(socket, sections);
    else void this.#decide(socket, sections);
  }

  #learnConfig(socket: Socket, [about, config]: Buffer[]): void {
    try {
      const { id, plugin, version, next_upstream } = aboutConfigIn(about);
      if (version !== packageJson.version) {
        const both = `the driver is of version ${version}, the plugin server of ${packageJson.version}`;
        const told = `${both}: install the Lua files of this version and restart Kong`;
        noteRefused("other", told);
        throw new RpcError(told);
      }
      const { needs, secondTries } = this.#configs.learn(id, plugin, config?.toString() ?? "");
      if (secondTries.most > 0) tellNextUpstream(next_upstream);
      const told = { ...needs, outcomes_socket: delivery.socket };
      socket.write(answerFrame("N", JSON.stringify(told)));
    } catch (error) {
      this.#fail(socket, error);
    }
  }

  async #decide(socket: Socket, sections: Buffer[]): Promise<void> {
    const open: Open = { socket, askedAt: performance.now() };
    try {
      const [about, question, earlier, ticket, body] = sections;
      const { config, request, consumer, credential, expires, headers, asked_at } = questionIn(
        about,
        question,
      );
      if (asked_at !== undefined && Date.now() - asked_at > this.#options.lateSeconds * 1000) {
        this.#refuse(socket, "late", "the plugin server is too busy: it reads questions too late");
        return;
      }
      const plugin = this.#configs.find(config);
      if (!plugin) {
        asks.inc({ answer: "unknown" });
        socket.write(answerFrame("U"));
        return;
      }
      if (plugin.secondTries.most > 0) secondTriesWanted();
      if (this.#isEnding) throw new RpcError("the plugin server is ending");
      if (this.#open.size >= this.#options.most) throw new RpcError("too many questions are open");
      this.#open.add(open);
      if (credential !== undefined) request.credential = credential;
      if (expires !== undefined) request.credential_expires = expires;
      if (headers !== undefined) request.headers = headers;
      if (body && body.length > 0) request.body = body;
      const before = decisionIn(earlier, ticket);
      const can = { restores: true, repeats: true };
      const ruling = await plugin.rule({ request, consumer, earlier: before, ...can });
      if (this.#open.has(open) && !socket.destroyed) this.#answer(socket, request.id, ruling);
      else this.#takeBack(request.id, ruling);
    } catch (error) {
      this.#fail(socket, error);
    } finally {
      this.#close(open);
    }
  }

  #answer(socket: Socket, id: string, ruling: Ruling): void {
    if ("decision" in ruling) {
      const { ticket } = ruling.decision;
      // The ticket goes beside it, and where outcomes go was told with the config.
      const head = { ...ruling.decision, ticket: undefined, outcomes_socket: undefined };
      asks.inc({ answer: "decided" });
      socket.write(answerFrame("D", id, endingWithId(head, id), ticket));
      return;
    }
    const { status, headers, body, source } = ruling.answer;
    const { restore } = ruling;
    const head = { status, headers: { "X-LLM-Source": source, ...headers }, restore };
    asks.inc({ answer: "answered" });
    socket.write(answerFrame("A", id, endingWithId(head, id), body));
    void learnFrom(ruling.outcome);
  }

  // Whoever asked has gone, and sends nothing upstream: what was taken for it is given back.
  #takeBack(id: string, ruling: Ruling): void {
    asks.inc({ answer: "undelivered" });
    const outcome = "decision" in ruling ? outcomeNeverSent(id) : ruling.outcome;
    if (outcome) void learnFrom(outcome);
  }

  #fail(socket: Socket, error: unknown): void {
    const ours = error instanceof RpcError || error instanceof z.ZodError;
    if (!ours) log.error({ error: tell(error) }, "a question failed");
    const text = error instanceof RpcError ? error.message : "the plugin server failed";
    this.#refuse(socket, "failed", text, ...(error instanceof RefusedConfig ? ["config"] : []));
  }

  #refuse(socket: Socket, answer: "failed" | "late", text: string, ...about: string[]): void {
    asks.inc({ answer });
    socket.write(answerFrame("E", text, ...about));
  }

  #close(open: Open): void {
    if (this.#open.delete(open) && this.#open.size === 0) {
      for (const wake of this.#whenEmpty.splice(0)) wake();
    }
  }

  // Whoever waits is told that somebody is still at work, until it has been too long.
  #beat(): void {
    const now = performance.now();
    for (const open of this.#open) {
      const age = now - open.askedAt;
      if (age > this.#options.timeoutSeconds * 1000) {
        this.#fail(open.socket, new RpcError("the stages took too long"));
        this.#close(open);
      } else if (age > heartbeatMs) {
        open.socket.write(answerFrame("W"));
      }
    }
  }
}
