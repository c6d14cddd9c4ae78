// The kinds of personal data and of secrets that are recognised, by the names that options, metrics and
// placeholders have for them.

export const kinds = [
  "resident_number",
  "business_number",
  "driving_licence",
  "passport",
  "phone",
  "bank_account",
  "card",
  "iban",
  "us_ssn",
  "email",
  "ip_address",
  "address",
  "api_key",
  "private_key",
] as const;

export type Kind = (typeof kinds)[number];

/** Several kinds as a number, one bit each: asked for at every digit of a long text. */
export type Kinds = number;

/** The bit of each kind. */
export const bit = Object.fromEntries(kinds.map((kind, at) => [kind, 1 << at])) as Readonly<
  Record<Kind, Kinds>
>;

export const allKinds: Kinds = (1 << kinds.length) - 1;

/** What was found: offsets in the text, in UTF-16 units. */
export interface Found {
  kind: Kind;
  start: number;
  end: number;
}
