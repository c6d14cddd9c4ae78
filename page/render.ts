// The whole of the page and its form to sign in: frame, head and the sections in their order.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatOf } from "./format";
import { Html, html } from "./html";
import type { Language } from "./language";
import { errorsSection, healthSection, requestsSection } from "./node-sections";
import type { Snapshot } from "./snapshot";
import type { Member } from "./use";
import { limitsSection, useSection } from "./use-sections";
import { words } from "./words";

/** Read once; the policy of the page names them by their digests. */
export const style = readFileSync(join(__dirname, "look.css"), "utf8");
export const script = readFileSync(join(__dirname, "in-browser.js"), "utf8");

const sectionNames = ["use", "limits", "health", "errors", "requests"] as const;

export function renderPage(
  snapshot: Snapshot,
  language: Language,
  /** What is shown to its last row. */
  whole: ReadonlySet<Member>,
): string {
  const text = words[language];
  const format = formatOf(language);
  const view = { text, format, language, whole };
  const other = language === "en" ? "ko" : "en";
  return documentOf(
    language,
    html`<a class="skip" href="#main">${text.skip}</a>
<header>
  <h1>${text.title} <small>kong-llm ${snapshot.version}</small></h1>
  <div class="actions">
    <label class="refresh" hidden><input type="checkbox" id="refresh"> ${text.refresh}</label>
    <a href="?lang=${other}" lang="${other}" hreflang="${other}">${text.otherLanguage}</a>
    <form method="post" action="/page/logout"><button>${text.signOut}</button></form>
  </div>
</header>
<nav aria-label="${text.title}"><ul>${sectionNames.map(
      (name) => html`<li><a href="#${name}">${text.sections[name]}</a></li>`,
    )}</ul></nav>
<main id="main" tabindex="-1" data-filter="${text.filter}">
  <p class="note">${text.asOf} ${format.time(snapshot.taken_at)}; ${text.since} ${format.time(snapshot.started_at)}</p>
  ${useSection(snapshot.use, view)}
  ${limitsSection(snapshot.limits, view)}
  ${healthSection(snapshot, view)}
  ${errorsSection(snapshot, view)}
  ${requestsSection(snapshot.requests, view)}
</main>
<script>${new Html(script)}</script>`,
  );
}

export function renderLogin(language: Language, problem?: "wrong" | "tooMany"): string {
  const text = words[language];
  const other = language === "en" ? "ko" : "en";
  return documentOf(
    language,
    html`<main class="login">
  <h1>${text.title}</h1>
  <p class="note" id="note">${text.loginNote}</p>
  ${problem && html`<p class="problem" role="alert">${text[problem]}</p>`}
  <form method="post" action="/page/login">
    <input type="text" name="username" value="operator" autocomplete="username" hidden>
    <label for="token">${text.token}</label>
    <input id="token" name="token" type="password" autocomplete="current-password" required autofocus aria-describedby="note">
    <button>${text.login}</button>
  </form>
  <p><a href="/page?lang=${other}" lang="${other}" hreflang="${other}">${text.otherLanguage}</a></p>
</main>`,
  );
}

function documentOf(language: Language, body: Html): string {
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${words[language].title}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}
