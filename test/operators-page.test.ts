// The operators' page over HTTP: who gets it, in which language, and what it says; in a real Chromium: that
// it can be read and used by anybody.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Snapshot } from "../page/snapshot";
import { chromiumPath, needsChromium } from "./support/browser";
import { fillPage, pageToken, type ServedPage, servePage } from "./support/operators-page";

const consumers = 1000;
let served: ServedPage;

beforeAll(async () => {
  served = await servePage();
  await fillPage(consumers);
});
afterAll(() => served?.stop());

const bearer = { authorization: `Bearer ${pageToken}` };

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(served.url + path, { headers, redirect: "manual" });
}

function logIn(token: string, headers: Record<string, string> = {}): Promise<Response> {
  const body = new URLSearchParams({ token });
  return fetch(`${served.url}/page/login`, { method: "POST", body, headers, redirect: "manual" });
}

describe("the operators' page", () => {
  it("shows nothing to who has no token, but where to show it", async () => {
    const answer = await get("/page");
    const text = await answer.text();
    expect(answer.status).toBe(401);
    expect(text).toContain('action="/page/login"');
    expect(text).not.toContain("app-1");
    const json = await get("/page?format=json");
    expect([json.status, await json.json()]).toEqual([
      401,
      { error: { message: "Send the token of the page: Authorization: Bearer TOKEN." } },
    ]);
  });

  it("opens with the token as Bearer, and with the cookie of a form", async () => {
    expect((await get("/page", bearer)).status).toBe(200);
    const answer = await logIn(pageToken);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/page"]);
    const cookie = answer.headers.get("set-cookie")!;
    expect(cookie).toMatch(/; Path=\/page; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect(cookie).not.toContain(pageToken);
    const shown = await get("/page", { cookie: cookie.split(";")[0]! });
    expect(shown.status).toBe(200);
    const behindTls = await logIn(pageToken, { "x-forwarded-proto": "https" });
    expect(behindTls.headers.get("set-cookie")).toContain("; Secure");
  });

  it("takes no token from an address, where logs would keep it, nor from another site", async () => {
    expect((await get(`/page?token=${pageToken}`)).status).toBe(401);
    expect((await logIn(pageToken, { "sec-fetch-site": "cross-site" })).status).toBe(403);
  });

  it("only reads: other methods, addresses and long forms get nothing", async () => {
    const status = async (path: string, method: string, body?: string) =>
      (await fetch(served.url + path, { method, body, headers: bearer, redirect: "manual" }))
        .status;
    expect(await status("/page", "POST", "x")).toBe(405);
    expect(await status("/page", "DELETE")).toBe(405);
    expect(await status("/page/login", "GET")).toBe(405);
    expect(await status("/page/none", "GET")).toBe(404);
    expect(await status("/page/login", "POST", "x".repeat(100_000))).toBe(413);
    expect(await status("/pages", "GET")).toBe(404);
    expect(await status("/page", "HEAD")).toBe(200);
  });

  it("lets a browser load nothing from elsewhere and run nothing but its own script", async () => {
    const { headers } = await get("/page", bearer);
    const policy = headers.get("content-security-policy")!;
    expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-/);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("tells the same as JSON, to the nano-dollar, and nothing that clients wrote", async () => {
    const answer = await get("/page?format=json", bearer);
    const text = await answer.text();
    const told: Snapshot = JSON.parse(text);
    expect(answer.headers.get("content-type")).toBe("application/json");
    if (told.use.state !== "known") throw new Error(told.use.state);
    expect(told.use.by.consumer).toHaveLength(consumers);
    const nano = (usd: number) => Math.round(usd * 1e9);
    const sum = told.use.by.consumer.reduce((all, { month }) => all + nano(month.cost_usd), 0);
    expect(sum).toBe(nano(told.use.total.month.cost_usd));
    expect(told.requests).toHaveLength(100);
    expect(told.requests[0]).toMatchObject({ request_id: "id-of-139", model: "deepseek-v3.2" });
    expect(told.limits[0]).toMatchObject({ of: "consumer", name: "app-0", ratio: 1, limit: 50 });
    expect(told.cooling_models).toMatchObject([{ model: "claude-sonnet-4.5" }]);
    expect(text).not.toContain("of the client");
  });

  it("speaks Korean to who asks for it, and keeps what was chosen", async () => {
    const korean = await get("/page", { ...bearer, "accept-language": "ko-KR,ko;q=0.9" });
    expect(await korean.text()).toMatch(/<html lang="ko">.*사용량과 비용/s);
    const chosen = await get("/page?lang=ko", bearer);
    expect([chosen.status, chosen.headers.get("location")]).toEqual([303, "/page"]);
    const cookie = chosen.headers.get("set-cookie")!.split(";")[0]!;
    const kept = await get("/page", { ...bearer, cookie, "accept-language": "en" });
    expect(await kept.text()).toContain('<html lang="ko">');
  });

  it("shows names as text, whatever they are", async () => {
    const text = await (await get("/page", bearer)).text();
    expect(text).toContain("&lt;b onclick=&quot;x&quot;&gt;long-name-");
    expect(text).not.toContain("<b onclick");
  });
});

describe.skipIf(!chromiumPath)(`the operators' page in Chromium${needsChromium}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath });
  });
  afterAll(() => browser?.close());

  const phone = { width: 360, height: 740 };
  const desk = { width: 1280, height: 900 };

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: desk, locale: "en-US", ...options });
    const page = await context.newPage();
    await page.goto(`${served.url}/page`);
    await page.getByLabel("Token").or(page.getByLabel("토큰")).fill(pageToken);
    await page.keyboard.press("Enter");
    await page.waitForSelector("h2");
    return page;
  }

  const axe = readFileSync(createRequire(__filename).resolve("axe-core/axe.min.js"), "utf8");

  async function faultsOf(page: Page): Promise<string[]> {
    await page.evaluate(axe);
    const { violations } = (await page.evaluate("axe.run()")) as AxeResults;
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }

  it.each<[string, BrowserContextOptions]>([
    ["on a desk", {}],
    ["on a phone", { viewport: phone }],
    ["in the dark", { colorScheme: "dark" }],
    [
      "in the dark, in Korean, on a phone",
      { colorScheme: "dark", locale: "ko-KR", viewport: phone },
    ],
  ])("is accessible %s: names, contrast, order", async (_, options) => {
    const page = await open(options);
    expect(await faultsOf(page)).toEqual([]);
    const wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(wider).toBeLessThanOrEqual(0);
    await page.context().close();
  });

  it("asks nobody else, and its policy stops nothing of its own", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).origin));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${served.url}/page`);
    await page.getByLabel("Token").fill("not-the-token-of-the-page");
    await page.getByRole("button", { name: "Sign in" }).click();
    expect(await page.getByRole("alert").textContent()).toBe("That is not the token.");
    await page.getByLabel("Token").fill(pageToken);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForSelector("h2");
    expect(page.url()).toBe(`${served.url}/page`);
    await page.getByLabel("Refresh by itself").check();
    await page.waitForResponse((answer) => answer.url() === page.url() && answer.status() === 200);
    expect(new Set(asked)).toEqual(new Set([served.url]));
    const refused = complaints.filter((text) => !/status of 401/.test(text));
    expect(refused).toEqual([]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForSelector("#token");
    await context.close();
  });

  it("shows the dearest of a thousand consumers, then all, and finds one", async () => {
    const page = await open();
    const table = page.getByRole("region", { name: "By consumer" });
    expect(await table.locator("tbody tr").count()).toBe(15);
    expect(await table.locator("tbody tr").last().textContent()).toContain("986 others");
    await page.getByRole("link", { name: "Show all 1,000: By consumer" }).click();
    await page.waitForURL(/all=consumer/);
    expect(await table.locator("tbody tr").count()).toBe(consumers);
    await page.getByRole("searchbox", { name: "Filter: By consumer" }).fill("app-777");
    expect(await table.locator("tbody tr:visible th").allTextContents()).toEqual(["app-777"]);
    await page.context().close();
  });

  it("can be used by keyboard alone, in the order of what is seen", async () => {
    const page = await open();
    const focused = () =>
      page.evaluate(
        "document.activeElement.textContent.trim().slice(0, 30) || document.activeElement.id",
      );
    const order: unknown[] = [];
    for (let n = 0; n < 9; n++) {
      await page.keyboard.press("Tab");
      order.push(await focused());
    }
    expect(order).toEqual([
      ...["Skip to the content", "refresh", "한국어", "Sign out"],
      ...["Use and cost", "Near their limits", "Keys, models, Redis", "Errors", "Last requests"],
    ]);
    for (let n = 0; n < 8; n++) await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("main");
    await page.context().close();
  });

  it("is whole without its script", async () => {
    const page = await open({ javaScriptEnabled: false });
    expect(await page.locator("h2").allTextContents()).toHaveLength(5);
    expect(await page.getByLabel("Refresh by itself").isVisible()).toBe(false);
    await page.getByRole("link", { name: "한국어" }).click();
    expect(await page.locator("html").getAttribute("lang")).toBe("ko");
    await page.context().close();
  });
});
