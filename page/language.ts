// In which language the page is written: what the reader chose, else the first that its browser asks for.

export const languages = ["en", "ko"] as const;

export type Language = (typeof languages)[number];

export function isLanguage(text: unknown): text is Language {
  return languages.some((one) => one === text);
}

/** The best of ours by Accept-Language (RFC 9110, section 12.5.4); English where it names none. */
export function preferredLanguage(acceptLanguage = ""): Language {
  const wanted = acceptLanguage.split(",").map((range) => {
    const [tag = "", ...parameters] = range.trim().toLowerCase().split(";");
    const weight = parameters.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find(Boolean);
    return { language: tag.split("-")[0], weight: Number(weight ?? 1) };
  });
  const known = wanted.filter(({ language, weight }) => isLanguage(language) && weight > 0);
  const best = known.sort((one, other) => other.weight - one.weight)[0]?.language;
  return isLanguage(best) ? best : "en";
}
