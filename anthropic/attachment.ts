// How many tokens a picture or a document of a prompt takes: what it holds is never looked into, and
// never counted as text.

/** Tokens as they are likely, and the most that a limit must hold for. */
interface AttachmentTokens {
  likely: number;
  most: number;
}

// A token for each 28 x 28 pixels, after a large picture was scaled down to as many as the model takes:
// 1,568 at most, 4,784 from Claude 4.7 on. https://platform.claude.com/docs/en/build-with-claude/vision
const picture: AttachmentTokens = { likely: 1568, most: 4784 };

// 1,500 to 3,000 tokens of text a page, and each page is a picture as well.
// https://platform.claude.com/docs/en/build-with-claude/pdf-support
const page: AttachmentTokens = { likely: 2400, most: 3000 + picture.most };

// Anthropic's figures: a paper of 500 kB takes 125,000 tokens, a long page of documentation 25,000.
// https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-fetch-tool#usage-and-pricing
const bytesPerToken = 4;
const elsewhere: AttachmentTokens = { likely: 25_000, most: 25_000 };

/**
 * For a block {type: "image" | "document", source}, in a message or in the result of a tool. Undefined
 * for all others, and for a document whose source is text: that is counted as text.
 */
export function attachmentTokens(block: object): AttachmentTokens | undefined {
  const { type, source } = block as { type?: unknown; source?: unknown };
  if (typeof source !== "object" || source === null) return undefined;
  if (type === "image") return picture;
  if (type !== "document") return undefined;
  const { type: kind, data } = source as { type?: unknown; data?: unknown };
  if (kind === "text" || kind === "content") return undefined;
  return typeof data === "string" ? ofBytes((data.length * 3) / 4) : elsewhere;
}

function ofBytes(bytes: number): AttachmentTokens {
  const tokens = bytes / bytesPerToken;
  return { likely: Math.max(page.likely, tokens), most: Math.max(page.most, tokens) };
}
