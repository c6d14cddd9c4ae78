// Which model an answer says that it comes from. Every API states it within the first members of an
// answer, and a stream in its first event or in all of them.

const readBytes = 4096;
// Inside a text of the answer its quotes would be escaped.
const stated = /"model"\s*:\s*"([^"\\]{1,200})"/;

/** @param body an answer, or its end where it was too long to keep */
export function answeredModel(body: Buffer): string | undefined {
  const head = stated.exec(body.toString("utf8", 0, readBytes));
  const found = head ?? stated.exec(body.toString("utf8", Math.max(0, body.length - readBytes)));
  return found?.[1];
}
