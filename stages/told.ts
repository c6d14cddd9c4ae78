// What stages tell a caller about itself when it asks GET /v1/usage: each what it alone knows. Nothing is
// taken or changed by it.

/** A name that the caller can ask for. */
export interface OwnModel {
  id: string;
  /** What is behind it. */
  served_by: ServedBy[];
}

/** A model of the upstream, and who serves it, where several do. */
export interface ServedBy {
  model: string;
  provider?: string;
}

/** A limit of the caller. Requests, tokens or US dollars. */
export interface OwnLimit {
  /** Whose limit it is, in words. */
  of: string;
  measure: string;
  window: string;
  /** The glob of the models that it is for; null for all. */
  model: string | null;
  limit: number;
  used: number;
  remaining: number;
  /** Until all of it is free again, if nothing more is taken; null for requests under way. */
  free_in_seconds: number | null;
}

/** What is not known here is left out. */
export interface Told {
  models?: OwnModel[];
  limits?: OwnLimit[];
}
