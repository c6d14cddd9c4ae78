// Paths as Kong compares them and sends them on. Rules of kong/tools/uri.lua and
// kong/router/utils.lua 3.9.

const reserved = new Set("!*'();:@&=+$,/?%#[]");

/** Decodes what need not be encoded, removes dot segments and doubled slashes. */
export function normalizePath(path: string): string {
  if (path === "" || path === "/") return path;
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (triplet, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return reserved.has(char) ? triplet.toUpperCase() : char;
  });
  return withoutDots(decoded);
}

/** Escapes what may not stand in a request line. */
export function escapePath(path: string): string {
  return path.replace(
    /[^!#$&'()*+,/:;=?@[\\\]A-Za-z\d\-_.~%]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/**
 * Path of the upstream request (path_handling v0).
 * @param rest what follows the matched prefix; used when the route strips its path
 */
export function upstreamPath(base: string, path: string, rest: string, strips: boolean): string {
  const slashed = base.endsWith("/");
  if (!strips) {
    if (slashed) return base + path.slice(1);
    return path === "/" ? base : base + path;
  }
  if (rest === "") return emptyRest(base, path, slashed);
  const bare = slashed ? base.slice(0, -1) : base;
  return rest.startsWith("/") ? bare + rest : `${bare}/${rest}`;
}

/** What follows a prefix, without a relative start that could climb out of the service's path. */
export function safeRest(rest: string): string {
  if (rest === "." || rest === "..") return "";
  return rest.replace(/^\.{1,2}\//, "");
}

function emptyRest(base: string, path: string, slashed: boolean): string {
  if (!slashed) return path.length > 1 && path.endsWith("/") ? `${base}/` : base;
  if (base === "/" || path.endsWith("/")) return base;
  return base.slice(0, -1);
}

function withoutDots(path: string): string {
  const segments: string[] = [];
  const parts = path.split("/");
  const last = parts.length - 1;
  const absolute = path.startsWith("/");
  parts.forEach((part, index) => {
    const isLast = index === last;
    if (part === "..") segments.pop();
    else if (part !== "." && (part !== "" || (isLast && index > 0))) segments.push(part);
    if ((part === "." || part === "..") && isLast) segments.push("");
  });
  const joined = segments.join("/");
  return absolute ? `/${joined}` : joined;
}
