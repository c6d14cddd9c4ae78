// The sections about this plugin server: what rests, whom it can reach, what fails, and what was asked last.

import { type Html, html } from "./html";
import { bar, named, table, unseen, type View } from "./parts";
import type { RequestRow, Snapshot } from "./snapshot";

export function healthSection(snapshot: Snapshot, view: View): Html {
  const { text, format } = view;
  const { keys, cooling_models, neighbours } = snapshot;
  const [before, after] = text.until.split("{}");
  const mark = (isWell: boolean, words: string) =>
    html`<span class="mark ${isWell ? "well" : "bad"}">${words}</span>`;
  return html`<section><h2 id="health">${text.sections.health}</h2>
<p class="note">${text.thisNode}</p>
<div class="columns">
<div><h3>${text.keys}</h3>${
    keys.length === 0
      ? html`<p class="note">${text.keysNone}</p>`
      : html`<ul class="states">${keys.map(({ service, key, rests }) => html`<li><span>${named(service)} ${text.keyNumber(key)}</span> ${mark(!rests, rests ? text.keyRests : text.keyServes)}</li>`)}</ul>`
  }</div>
<div><h3>${text.models}</h3>${
    cooling_models.length === 0
      ? html`<p class="note">${text.modelsNone}</p>`
      : html`<ul class="states">${cooling_models.map(({ service, model, until }) => html`<li><span>${named(model)} (${service})</span> ${mark(false, text.rests)} <span>${before}${format.time(until)}${after}</span></li>`)}</ul>`
  }</div>
<div><h3>${text.neighbours}</h3>${
    Object.keys(neighbours).length === 0
      ? html`<p class="note">${text.neighboursNone}</p>`
      : html`<ul class="states">${Object.entries(neighbours).map(([name, { ok, detail }]) => html`<li><span>${name}</span> ${mark(ok, ok ? text.up : text.down)}<br><small lang="en">${detail}</small></li>`)}</ul>`
  }</div>
</div></section>`;
}

export function errorsSection({ errors, kong_answers }: Snapshot, view: View): Html {
  const { text, format } = view;
  const failed = errors.failed.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(...errors.failed.map(({ count }) => count), 0);
  const ofKong = Object.entries(kong_answers).filter(([, count]) => count > 0);
  const rows = [
    ...errors.failed.map(({ cause, count }) => [
      html`${text.causes[cause.kind]}${cause.detail === "" ? "" : `: ${cause.detail}`}`,
      `${cause.status}`,
      format.count(count),
      bar(count / most),
    ]),
    ...ofKong.map(([status, count]) => [text.kongAlone, status, format.count(count), ""]),
  ];
  return html`<section><h2 id="errors">${text.sections.errors}</h2>
<p class="note">${failed === 0 ? text.errorsNone : text.errorsNote(format.count(failed), format.count(errors.requests))}</p>
${
  rows.length > 0 &&
  table(
    text.sections.errors,
    [
      { head: text.cause, text: true },
      { head: text.status, number: true },
      { head: text.count, number: true },
      { head: unseen(text.bar) },
    ],
    rows,
  )
}</section>`;
}

export function requestsSection(requests: RequestRow[], view: View): Html {
  const { text } = view;
  return html`<section><h2 id="requests">${text.sections.requests}</h2>
<p class="note">${requests.length > 0 ? text.requestsNote : text.requestsNone}</p>
${
  requests.length > 0 &&
  table(
    text.sections.requests,
    [
      { head: text.time },
      { head: text.consumer },
      { head: text.model },
      { head: text.status, number: true },
      { head: text.cause, text: true },
      { head: text.tokens, number: true },
      { head: text.cost, number: true },
      { head: text.duration, number: true },
      { head: text.requestId },
    ],
    requests.map((row) => requestCells(row, view)),
    { look: "filtered" },
  )
}</section>`;
}

function requestCells(row: RequestRow, { text, format }: View): (string | Html)[] {
  const { cause, input_tokens, output_tokens, cost_usd } = row;
  const why = cause
    ? `${text.causes[cause.kind]}${cause.detail === "" ? "" : `: ${cause.detail}`}`
    : row.cache === "Hit"
      ? text.cached
      : "";
  return [
    format.time(row.time),
    named(row.consumer ?? "-"),
    html`${named(row.model ?? "-")} <small>${row.endpoint}</small>`,
    html`<span class="${row.status >= 400 ? "bad" : ""}">${row.status}</span>`,
    why,
    input_tokens === null ? "-" : format.short(input_tokens + (output_tokens ?? 0)),
    cost_usd === null ? "-" : format.usdOfOne(cost_usd),
    format.seconds(row.duration_ms),
    html`<code>${row.request_id}</code>`,
  ];
}
