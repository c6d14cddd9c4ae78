// What of a request holds no text that could be read: pictures, sound and files, in it or elsewhere. Told
// by the names that the APIs have for them and by their looks, so that no text hides under such a name.

/** Members that hold bytes as base64. */
const bytes = new Set(
  "data file_data url image_url b64_json image encrypted_content signature audio result".split(" "),
);
const leastBytes = 64;

/** Whether a text is bytes in base64: no text of a person. @param name of its member */
export function isBytes(text: string, name: string): boolean {
  if (text.length < leastBytes || !bytes.has(name)) return false;
  const comma = text.startsWith("data:") ? text.indexOf(";base64,") + 7 : -1;
  return comma !== 6 && /^[A-Za-z0-9+/_-]*={0,2}$/.test(comma > 0 ? text.slice(comma + 1) : text);
}

// What a model proves with is for it alone.
const ours = new Set(["encrypted_content", "signature"]);

/** Whether it carries what nobody reads: bytes, or what stands behind an id or a URL. */
export function isUnread(text: string, name: string): boolean {
  if (name === "file_id") return true;
  if (name === "url" || name === "image_url" || name === "file_url")
    return /^(?:https?|data):/.test(text);
  return !ours.has(name) && isBytes(text, name);
}
