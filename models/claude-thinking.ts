// How a Claude is told to think, by its name: the older ones by a budget of tokens alone, those from Opus
// 4.7 on by their own measure alone ("adaptive"), those between by either. Each refuses the other form.
// https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking, .../effort

type ThinkingForm = "budget" | "either" | "adaptive";

// The version stands behind the kind (claude-sonnet-4-5) or before it (claude-3-7-sonnet), and what has
// more figures than two is a date.
const version = /^claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[.-](\d{1,2})(?!\d))?/;

/** @param bare a name without its maker; undefined for no Claude, or one that names no version */
export function thinkingFormOf(bare: string): ThinkingForm | undefined {
  if (/^claude-(?:fable|mythos)/.test(bare)) return "adaptive";
  const number = versionOf(bare);
  if (number === undefined) return undefined;
  if (number < 4.06) return "budget";
  return number < 4.07 ? "either" : "adaptive";
}

/** Whether it knows an effort: Opus from 4.5 on, the others from 4.6 on. Arguments as above. */
export function knowsEffort(bare: string): boolean {
  const number = versionOf(bare) ?? Number.POSITIVE_INFINITY;
  return number >= (bare.includes("opus") ? 4.05 : 4.06);
}

/** 4.05 for 4.5, so that 4.10 would be more. */
function versionOf(bare: string): number | undefined {
  const [, major, minor = "0"] = version.exec(bare) ?? [];
  return major === undefined ? undefined : Number(major) + Number(minor) / 100;
}
