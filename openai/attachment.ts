// Which parts of a prompt are files: pictures, films, sound and documents are estimated by what they
// are, and never by the letters of their encoding.

// A 1024 x 1024 image in high detail at OpenAI (85 + 4 tiles of 170).
const tokensPerImage = 765;
// About a minute of speech, or a few pages, for what we do not look into.
const tokensPerFile = 1000;

/** The types of parts that are files, by every vendor's name for them. */
const files = new Map<unknown, number>([
  ...["image_url", "input_image", "image", "image_file", "computer_screenshot"].map(
    (type) => [type, tokensPerImage] as const,
  ),
  ...["input_audio", "audio", "audio_url", "input_video", "video", "video_url"].map(
    (type) => [type, tokensPerFile] as const,
  ),
  ...["file", "input_file", "document"].map((type) => [type, tokensPerFile] as const),
]);

/** Members in which a file is carried, whatever the part is called. */
const carriers = new Set([
  ...["url", "image_url", "file_data", "data", "bytes", "b64_json", "result"],
]);

/**
 * The tokens of a part that is a file; undefined for any other object. A document may hold plain
 * text, which is text.
 */
export function fileTokens(part: object): number | undefined {
  const { type, source } = part as { type?: unknown; source?: unknown };
  const known = files.get(type);
  return known !== undefined && !isText(source) ? known : undefined;
}

/** The tokens of a member that carries a file inside a part of a type that nobody knows. */
export function carriedTokens(
  part: { readonly type?: unknown },
  name: string,
  value: unknown,
): number | undefined {
  if (typeof value !== "string" || part.type === "text" || !carriers.has(name)) return undefined;
  if (/^data:image\//i.test(value)) return tokensPerImage;
  return /^data:[^,]{0,200};base64,/i.test(value) || isBase64(value) ? tokensPerFile : undefined;
}

function isText(source: unknown): boolean {
  if (typeof source !== "object" || source === null || !("type" in source)) return false;
  return source.type === "text" || source.type === "content";
}

// Shorter ones cost little as text. The beginning tells: text has spaces.
function isBase64(value: string): boolean {
  return value.length >= 1024 && /^[A-Za-z0-9+/_-]{1024}/.test(value);
}
