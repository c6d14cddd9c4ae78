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

/** Members that are words, whatever they look like: the data of a file stands in any other. */
const words = new Set([
  ...["text", "content", "arguments", "input", "output", "name", "description", "title", "context"],
  ...["instructions", "prompt", "query", "refusal", "reasoning", "reasoning_content", "thinking"],
  ...["summary", "code", "transcript", "system"],
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

/**
 * The tokens of a member that carries a file, or a list of some, inside a part of a type that nobody
 * knows, or beside the text of a message; undefined for any other.
 */
export function carriedTokens(
  part: { readonly type?: unknown },
  name: string,
  value: unknown,
): number | undefined {
  if (part.type === "text" || words.has(name)) return undefined;
  if (!Array.isArray(value)) return dataTokens(value);
  let sum = 0;
  for (const one of value) {
    const tokens = dataTokens(one);
    if (tokens === undefined) return undefined;
    sum += tokens;
  }
  return value.length > 0 ? sum : undefined;
}

function dataTokens(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  if (/^data:image\//i.test(value)) return tokensPerImage;
  return /^data:[^,]{0,200};base64,/i.test(value) || isBase64(value) ? tokensPerFile : undefined;
}

function isText(source: unknown): boolean {
  if (typeof source !== "object" || source === null || !("type" in source)) return false;
  return source.type === "text" || source.type === "content";
}

// Shorter ones cost little as text. All of it is looked at, so that no text hides behind its beginning.
function isBase64(value: string): boolean {
  return (
    value.length >= 1024 &&
    /^[A-Za-z0-9+/_-]{64}/.test(value) &&
    /^[A-Za-z0-9+/_\r\n-]+={0,2}\s*$/.test(value)
  );
}
