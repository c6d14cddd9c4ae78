// The name of a provider, as several plugins' options have it: a part of the names of its models
// (`name/model`), of metrics and of headers.

import { z } from "zod";

export const providerName = z
  .string()
  .min(1)
  .max(60)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, "must be of small letters, digits, `.`, `_` and `-`");
