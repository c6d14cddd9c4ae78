// What a bench tells: ratios first, because machines differ, then what was measured.

export interface Report {
  title: string;
  /** One sentence each, with the ratio and what it is of. */
  ratios: string[];
  /** Everything measured, one line each. */
  measured: string[];
}

export interface BenchOptions {
  /** Seconds for each measurement of throughput. */
  seconds: number;
  /** How many requests are refused before memory is compared. */
  exits: number;
  /** How many requests are asked about and learned of before memory is told. */
  requests: number;
  /** Another checkout that is built, to compare with. */
  against?: string;
  /** Only the cases whose name holds this, where a bench has some. */
  cases?: string;
  /** Folder for profiles of V8; undefined: none is made. */
  profile?: string;
}

/** 12.34 -> "12.3", 0.0123 -> "0.0123": three digits are what a bench can tell. */
export function threeDigits(value: number): string {
  if (value >= 1000) return `${Math.round(value).toLocaleString("en-US")}`;
  return `${Number(value.toPrecision(3))}`;
}
