// What Kong OSS 3.9 takes in the fields of its entities (kong/db/schema/{typedefs.lua,entities}): to refuse
// before decK or Kong does. Which fields there are at all is in entity-fields.ts.

import { z } from "zod";

const texts = z.array(z.string());

const protocols = [
  "http",
  "https",
  "grpc",
  "grpcs",
  "tcp",
  "udp",
  "tls",
  "tls_passthrough",
] as const;

const name = z
  .string()
  .regex(/^[\w.~\u0080-\uffff-]+$/, "must consist of letters, digits and . - _ ~ alone");

const milliseconds = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 2);

const host = z.string().regex(
  // Of an address of IPv6, several colons are no port.
  /^(?:[^\s/:?#]+|\[?[\da-f]*:[\da-f.:]*:[\da-f.:]*\]?)$/i,
  "must be the name or the address of a host alone: the rest belongs into protocol, port and path",
);

const fixedPath = z
  .string()
  .regex(/^\//, "must begin with a slash")
  .regex(/^(?!.*\/\/)/, "must have no two slashes after each other")
  .regex(/^[^\s?#{}<>"^|`]*$/, "must be a path alone, without a query and white space");

const url = z
  .string()
  .regex(/^\w+:\/\/[^\s/?#]+/, "must be the whole address, as in https://api.example.com")
  .regex(/^[^\s?#]*$/, "must end before the query, which Kong drops");

const routePath = z.string().superRefine((path, { addIssue }) => {
  const fault = path.startsWith("~") ? patternFault(path) : fixedFault(path);
  if (fault !== undefined) addIssue({ code: "custom", message: fault });
});

function fixedFault(path: string): string | undefined {
  if (!path.startsWith("/")) return "must begin with a slash, or as a regular expression with ~/";
  return fixedPath.safeParse(path).error?.issues[0]?.message;
}

function patternFault(path: string): string | undefined {
  if (!path.startsWith("~/"))
    return "must begin with ~/, as a regular expression that a path matches";
  try {
    new RegExp(path.slice(1));
  } catch (error) {
    // PCRE knows more than JavaScript: only of what neither takes.
    const unclosed = /unterminated (?:group|character class)|unmatched '\)'/i;
    if (unclosed.test((error as Error).message)) {
      return "is no regular expression: a bracket is open or too many";
    }
  }
  return undefined;
}

export const entityValues = {
  service: z.looseObject({
    name: name.optional(),
    url: url.optional(),
    protocol: z.enum(protocols).optional(),
    host: host.optional(),
    port: z.number().int().min(0).max(65_535).optional(),
    path: fixedPath.optional(),
    retries: z.number().int().min(0).max(32_767).optional(),
    connect_timeout: milliseconds.optional(),
    write_timeout: milliseconds.optional(),
    read_timeout: milliseconds.optional(),
    enabled: z.boolean().optional(),
    tls_verify: z.boolean().optional(),
    tls_verify_depth: z.number().int().min(0).max(64).optional(),
    ca_certificates: texts.optional(),
    tags: texts.optional(),
  }),
  route: z.looseObject({
    name: name.optional(),
    protocols: z.array(z.enum(protocols)).optional(),
    methods: z.array(z.string().regex(/^[A-Z]+$/, "must be in capital letters")).optional(),
    hosts: z
      .array(
        z
          .string()
          .regex(/^[\w.*:-]+$/, "must be a host alone, without https:// and path")
          .regex(
            /^(?:[^*]+|\*\.[^*]+|[^*]+\.\*)$/,
            "must have its * as the first or the last part, as in *.example.com",
          ),
      )
      .optional(),
    paths: z.array(routePath).optional(),
    headers: z.record(z.string(), texts).optional(),
    snis: texts.optional(),
    https_redirect_status_code: z
      .number()
      .refine(
        (code) => [301, 302, 307, 308, 426].includes(code),
        "must be 301, 302, 307, 308 or 426",
      )
      .optional(),
    regex_priority: z.number().int().optional(),
    strip_path: z.boolean().optional(),
    path_handling: z.enum(["v0", "v1"]).optional(),
    preserve_host: z.boolean().optional(),
    request_buffering: z.boolean().optional(),
    response_buffering: z.boolean().optional(),
    tags: texts.optional(),
  }),
  plugin: z.looseObject({
    name: z.string().optional(),
    instance_name: z.string().optional(),
    enabled: z.boolean().optional(),
    config: z.record(z.string(), z.unknown()).optional(),
    protocols: z.array(z.enum(protocols)).optional(),
    service: z.string().optional(),
    route: z.string().optional(),
    consumer: z.string().optional(),
    tags: texts.optional(),
  }),
  consumer: z.looseObject({}),
};
