import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { expiryIn, isOurKey } from "../kong/consumer-key";
import { addKeys } from "./keys";

interface Entity {
  id: string;
  username?: string;
  key?: string;
  tags: string[];
  created_at: number;
  consumer?: { id: string };
}

/** As much of Kong's Admin API as is asked. */
let admin: Server;
let url: string;
const consumers: Entity[] = [];
const keys: Entity[] = [];

beforeAll(async () => {
  admin = createServer(async (request, response) => {
    const body = JSON.parse((await text(request)) || "{}");
    const [, kind, name, , id] = (request.url ?? "").split("/");
    const consumer = consumers.find((one) => one.id === name || one.username === name);
    const send = (status: number, answer: object) =>
      response
        .writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify(answer));
    const entity = { id: `id-${consumers.length + keys.length}`, created_at: 1_700_000_000 };
    if (kind === "key-auths") return send(200, { data: keys, next: null });
    if (!name && request.method === "POST") {
      consumers.push({ ...entity, ...body });
      return send(201, consumers.at(-1)!);
    }
    if (!name) return send(200, { data: consumers });
    if (!consumer) return send(404, { message: "Not found" });
    if (request.url?.split("/").length === 3) return send(200, consumer);
    if (request.method === "POST") {
      keys.push({ ...entity, ...body, consumer: { id: consumer.id } });
      return send(201, keys.at(-1)!);
    }
    if (request.method === "PATCH") Object.assign(keys.find((one) => one.id === id)!, body);
    return send(200, { data: keys.filter((one) => one.consumer?.id === consumer.id) });
  }).listen(0, "127.0.0.1");
  await once(admin, "listening");
  url = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
});
afterAll(() => admin.close());
beforeEach(() => {
  consumers.length = keys.length = 0;
});

async function run(...words: string[]): Promise<{ out: string; told: string }> {
  const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const told = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const printed = (spy: typeof out) => spy.mock.calls.map(([text]) => text).join("");
  try {
    const program = new Command().exitOverride();
    addKeys(program);
    await program.parseAsync(["keys", ...words], { from: "user" });
    return { out: printed(out), told: printed(told) };
  } finally {
    out.mockRestore();
    told.mockRestore();
  }
}

const keyIn = (told: string) => told.trim().split("\n").at(-1)!;
const ofTeam = ["create", "--consumer", "team-search", "--tag", "team-search"];
const onAdmin = () => ["--output", "admin", "--admin-url", url];

describe("kong-llm keys", () => {
  it("makes a consumer for decK, whose key stands in no file", async () => {
    const { out, told } = await run(...ofTeam, "--expires", "90d", "--budget-usd-month", "50");
    expect(isOurKey(keyIn(told))).toBe(true);
    expect(out).not.toContain(keyIn(told));
    expect(out).toContain(`key: '\${{ env "DECK_TEAM_SEARCH_API_KEY" }}'`);
    expect(out).toMatch(/llm-expires-20\d\d-\d\d-\d\dT/);
    expect(out).toContain("#     cost_usd:\n#       month: 50\n");
  });

  it("makes a Secret and a KongConsumer, with the key in the Secret alone", async () => {
    const { out, told } = await run(...ofTeam, "--output", "kubernetes", "--expires", "2099-01-31");
    const [secret, consumer] = parseAllDocuments(out).map((document) => document.toJS());
    expect(secret).toMatchObject({
      metadata: {
        labels: { "konghq.com/credential": "key-auth" },
        annotations: { "konghq.com/tags": "llm-expires-2099-01-31T00:00:00Z" },
      },
      stringData: { key: keyIn(told) },
    });
    expect(consumer).toMatchObject({ username: "team-search", credentials: ["team-search-key"] });
    expect(JSON.stringify(consumer)).not.toContain(keyIn(told));
  });

  it("makes, renews with an overlap, and ends keys in a Kong", async () => {
    const first = await run(...ofTeam, ...onAdmin());
    expect(first.out).not.toContain(keyIn(first.told));
    expect(keys.map(({ key }) => key)).toEqual([keyIn(first.told)]);

    const url = ["--admin-url", onAdmin().at(-1)!];
    const rotated = await run("rotate", "--consumer", "team-search", "--overlap", "2d", ...url);
    expect(rotated.out).toContain("; 1 older end ");
    expect(keys.map(({ key }) => key)).toEqual([keyIn(first.told), keyIn(rotated.told)]);
    const inTwoDays = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    expect(expiryIn(keys[0]!.tags)).toContain(inTwoDays);
    expect(expiryIn(keys[1]!.tags)).toBeUndefined();

    await run("expire", "--consumer", "team-search", ...url);
    const listed = await run("list", ...url);
    const rows = JSON.parse(listed.out);
    expect(rows).toMatchObject([
      { consumer: "team-search", works: false },
      { consumer: "team-search", works: false },
    ]);
    for (const { key } of keys) expect(listed.out).not.toContain(key!);
  });

  it.each([
    ["no Admin API", ["list"], /give --admin-url/],
    [
      "an Admin API that is not there",
      ["list", "--admin-url", "http://127.0.0.1:39281"],
      /ECONNREFUSED/,
    ],
    [
      "a consumer that Kong does not know",
      ["rotate", "--consumer", "nobody"],
      /no consumer "nobody"/,
    ],
  ])("says what to do about %s", async (_, words, message) => {
    const known = words[0] === "rotate" ? ["--admin-url", url] : [];
    await expect(run(...words, ...known)).rejects.toThrow(message);
  });

  it.each(["7", "12", "30", "2027-02-31", "2099-1-3"])(
    "takes %s for no time: old keys would end at once, or never",
    async (when) => {
      await expect(run("rotate", "--consumer", "a", "--overlap", when)).rejects.toThrow(/90d/);
      await expect(run(...ofTeam, "--expires", when)).rejects.toThrow(/90d/);
    },
  );

  it("makes no key that is over already, and no budget that is none", async () => {
    await expect(run(...ofTeam, "--expires", "2020-01-01")).rejects.toThrow(/time to come/);
    for (const usd of ["0", "1e400", "0x10", "-5", "2000000"]) {
      await expect(run(...ofTeam, "--budget-usd-month", usd)).rejects.toThrow(/US dollars/);
    }
  });

  it.each(["팀가", "_a-", "Team_A", "team-a", "on", "123"])(
    "makes objects that Kubernetes takes for %s, and for it alone",
    async (consumer) => {
      const kubernetes = ["--tag", "yes", "--output", "kubernetes"];
      const made = await run("create", "--consumer", consumer, ...kubernetes);
      // As its API server reads it.
      const [secret, owner] = parseAllDocuments(made.out, { version: "1.1" }).map((one) =>
        one.toJS(),
      );
      expect(secret.metadata.name).toMatch(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
      expect(secret.metadata.name === "team-a-key").toBe(consumer === "team-a");
      const annotations = expect.objectContaining({ "konghq.com/tags": "yes" });
      expect(owner).toMatchObject({ username: consumer, metadata: { annotations } });
      const other = await run("create", "--consumer", `${consumer}나`);
      const own = await run("create", "--consumer", consumer);
      const variable = (text: string) => /DECK_\w+/.exec(text)?.[0];
      expect(variable(other.out)).not.toBe(variable(own.out));
    },
  );

  it("takes no time that it cannot read, and no tag that Kong would not", async () => {
    await expect(run(...ofTeam, "--expires", "soon")).rejects.toThrow(/90d/);
    await expect(run("create", "--consumer", "a", "--tag", "a,b")).rejects.toThrow(/commas/);
  });
});
