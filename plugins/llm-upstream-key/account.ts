// How requests are authenticated at one provider: its keys, where they stand, and what goes with them.

import { familyOf } from "../../families/endpoint";
import type { KeyPlace } from "../../families/family";
import type { AccountOptions } from "./account-options";
import { type ChosenKey, KeyRing } from "./keys";

export interface Account {
  /** Undefined where each family's own way is asked for. */
  place: KeyPlace | undefined;
  headers: { name: string; value: string }[];
  restSeconds: number;
  ring: KeyRing;
  /** It takes requests without a key. */
  isOpen: boolean;
}

export function accountOf(options: AccountOptions): Account {
  const { auth, keys, header, prefix, headers, rest_seconds } = options;
  return {
    place: auth === "family" ? undefined : { header: header.toLowerCase(), prefix },
    headers: headers.map(({ name, value }) => ({ name: name.toLowerCase(), value })),
    restSeconds: rest_seconds,
    ring: new KeyRing(keys),
    isOpen: auth === "none",
  };
}

/** The headers of a request to an endpoint, by names in lower case. @param key undefined: none is sent */
export function headersWith(
  { place, headers }: Account,
  key: ChosenKey | undefined,
  endpoint: string,
): Record<string, string> {
  const { header, prefix } = place ?? familyOf(endpoint).keyPlace;
  const all = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
  if (key) all[header] = `${prefix}${key.value}`;
  return all;
}
