// Where a provider's API is, by its address as people copy it: with /v1 at its end, or without.

export interface Origin {
  scheme: "http" | "https";
  host: string;
  port: number;
  /** What stands before an endpoint's name, with its version and without a slash at the end. */
  base: string;
}

const version = /^v\d+[a-z]*\d*$/;

/** Undefined for what is no address of an API. */
export function originIn(url: string): Origin | undefined {
  const { protocol, hostname, port, pathname, ...rest } = parsed(url) ?? {};
  if (protocol !== "http:" && protocol !== "https:") return undefined;
  const hasMore = Object.values(rest).some((part) => part !== "");
  if (!hostname || hasMore || !/^[A-Za-z0-9._~/-]*$/.test(pathname ?? "")) return undefined;
  const scheme = protocol === "https:" ? "https" : "http";
  const path = (pathname ?? "").replace(/\/+$/, "");
  const isVersioned = path.split("/").some((segment) => version.test(segment));
  return {
    scheme,
    host: hostname,
    port: Number(port) || (scheme === "https" ? 443 : 80),
    base: isVersioned ? path : `${path}/v1`,
  };
}

/** The path there of what a client asks for: what stands behind the version, or all of a path without. */
export function pathAt({ base }: Origin, path: string): string {
  const segments = path.split("/");
  const at = segments.findIndex((segment) => version.test(segment));
  return [base, ...segments.slice(at < 0 ? 1 : at + 1)].join("/");
}

function parsed(url: string) {
  try {
    const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(url);
    return { protocol, hostname, port, pathname, search, hash, username, password };
  } catch {
    return undefined;
  }
}
