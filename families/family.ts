// The contract between the stages and the APIs that we front: what a stage asks of a request or an answer
// without knowing whose API it speaks. One file beside this for each family that keeps it.

import type { ToldLimits } from "../anthropic/limit-headers";
import type { AnswerFinding } from "../models/answer-finding";
import type { Asked } from "../models/asked";
import type { Usage } from "../models/usage";
import type { AskedUnits } from "../openai/asked-units";
import type { EndpointRow as OpenaiRow } from "../openai/endpoint";
import type { ApiError } from "../openai/error";

export type { ToldLimits };

export type Fields = Readonly<Record<string, unknown>>;

/** What is known of an endpoint. What is in no row does not pass unless an operator opens it by name. */
export interface EndpointRow extends Omit<OpenaiRow, "name" | "behindVersion"> {
  /** The end of its path. */
  name: string;
  /** Other APIs have paths with the same end: it is meant right behind a version only, or alone. */
  behindVersion?: boolean;
}

/** What is read and set of a request body. */
export interface BodyMembers {
  readonly value: Fields;
  get(field: string): unknown;
  set(field: string, value: unknown): void;
}

/** An answer as it was kept: all of it, or only its end where it is `truncated`. */
export interface KeptAnswer {
  endpoint: string;
  contentType: string;
  body: Buffer;
  truncated: boolean;
}

/** What an answer says that it took. */
export interface UsageReading {
  /** All that bills need is stated: nothing else of the answer has to be read. */
  isComplete: boolean;
  /** Nothing at all is stated. */
  isSilent: boolean;
  /**
   * @param inputTokens what was estimated of the request, where no input is stated
   * @param seen tokens that can be seen of the answer, where no output is stated
   */
  with(inputTokens: number, seen: number): Usage;
}

/** Where a key stands in a request. */
export interface KeyPlace {
  /** Name in lower case. */
  header: string;
  /** Text before the key. */
  prefix: string;
}

/** What is known of a model, by the name that a client may ask for. */
export interface ListedModel {
  id: string;
}

export interface Family {
  readonly name: "openai" | "anthropic";
  readonly endpoints: readonly EndpointRow[];

  // Of a request
  /** Whole tokens, at least 1, that its prompt is likely to be counted as. */
  estimateInputTokens(fields: Fields): number;
  /** As many tokens as it can be counted as, where it carries all of its prompt. */
  mostInputTokens(fields: Fields): number;
  /** The members that bound an answer's length, the one to set first; none where it has no length. */
  boundMembers(endpoint: string): readonly string[];
  /** The bound in tokens that it sets for each answer, the highest of several. */
  outputBound(endpoint: string, body: BodyMembers): number | undefined;
  /** The lowest bound in tokens that leaves the request a good one. */
  leastOutputBound(endpoint: string, body: BodyMembers): number;
  /** Bounds each answer by so many tokens, no fewer than the least. */
  boundOutput(endpoint: string, body: BodyMembers, tokens: number): void;
  /** How many answers it makes the model write. */
  answersAsked(fields: Fields): number;
  /** What it asks for beside tokens. @param bytes length of the whole body */
  unitsAsked(endpoint: string, fields: Fields, bytes: number): AskedUnits;
  /** The service tier that it asks for, by the name that its answer would have; undefined for the usual. */
  tierAsked(fields: Fields): string | undefined;
  /** Models that the upstream may call for it beside the one that it names. */
  modelsBeside(fields: Fields): string[];
  /** In words, what stands in place of a model; undefined where it names one, or must. */
  standsForModel(endpoint: string, fields: Fields): string | undefined;
  /** What it asks of a model, for who chooses one. */
  askedOf(fields: Fields): Asked;
  /** The member that lets the upstream choose a model that nobody names. */
  opensModels(fields: Fields): string | undefined;
  /** Asks for the usage at the end of a stream. @returns whether nobody but us has asked */
  askForUsage(endpoint: string, body: BodyMembers): boolean;
  /** Whether its answer depends on more than its body. */
  dependsOnState(fields: Fields): boolean;
  /** Members that change nothing of the answer wherever they stand, and what they are, as canonical JSON. */
  readonly marks: ReadonlyMap<string, RegExp>;
  /** Headers that the upstream needs and this client left out. @param version the one it asks for */
  missingHeaders(version: string | undefined): Readonly<Record<string, string>>;
  /** Whether that version of the API refuses to be told how to sample, whatever the model. */
  refusesSamplers(version: string | undefined): boolean;

  /** Where its own clients put their key. */
  readonly keyPlace: KeyPlace;

  // Of an answer
  usageOf(answer: KeptAnswer): UsageReading;
  /** What can be seen of an answer's output, in tokens. */
  seenTokens(answer: KeptAnswer): number;
  /** What an answer is that came with a status of success. */
  findingOf(answer: KeptAnswer): AnswerFinding;
  /** Whether a stream holds the end that its API promises. */
  endsItself(body: Buffer): boolean;

  // Of what we say
  /** The body of a refusal, of which all stages speak in OpenAI's words. @param requestId the one in the answer's head */
  errorBody(status: number, refusal: ApiError, requestId?: string): string;
  /** Header in which its clients look for the id of a request. */
  readonly requestIdHeader: string;
  listBody(models: readonly ListedModel[]): object;
  modelBody(model: ListedModel): object;
  /** The limits in the headers that its clients read, beside those that all are told in. */
  limitHeaders?(limits: ToldLimits, nowMs: number): Record<string, string>;
}
