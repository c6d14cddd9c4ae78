import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bytesOf, textOf } from "../lua-value";
import { pdkFunctions } from "../pdk/functions";
import { requestWith } from "../request.fixture";
import { Exit } from "./run";
import { LuaWorker } from "./worker";

describe("the stand-in's Lua", () => {
  const logged = new EventEmitter();
  let lines: string[];
  let worker: LuaWorker;

  beforeEach(() => {
    lines = [];
    worker = new LuaWorker(pdkFunctions, (level, message) => {
      lines.push(`${level}: ${message}`);
      logged.emit("line", lines.at(-1));
    });
  });
  afterEach(() => worker.exit());

  /** Runs a snippet in access; answers what it left in kong.ctx.shared.result. */
  async function resultOf(snippet: string, request = requestWith()) {
    await worker.access(worker.compile([snippet]), request);
    return worker.getMember(request, "shared", "result");
  }
  const nextLine = async () => (await once(logged, "line"))[0] as string;
  const evaluated = (expression: string) => resultOf(`kong.ctx.shared.result = ${expression}`);

  it.each([
    ["2147483647 + 1", 2_147_483_648],
    ["255 * 16777216", 4_278_190_080],
    ["0xFFFFFFFF", 4_294_967_295],
    ["tostring(6 / 2)", "3"],
    ["tostring(ngx.now() * 0 + 1764000000000)", "1764000000000"],
    ["10 .. ''", "10"],
    [
      "string.format('%d|%5.1f|%s|%%|%x', 1764000000000.7, 2, 'x', 255)",
      "1764000000000|  2.0|x|%|ff",
    ],
    ["('%d'):format(-1.5)", "-1"],
    ["#'안녕'", 6],
    ["('\\255\\0\\1'):byte(1)", 255],
    ["select('#', unpack({ 1, 2, 3 }))", 3],
    ["math.floor(3.7) % 256", 3],
    ["math.pow(2, 40)", 1_099_511_627_776],
    ["table.concat({ 1, 2, 3 }, ',')", "1,2,3"],
    ["type(os.time())", "number"],
  ])("counts as LuaJIT does: %s", async (expression, value) => {
    expect(await evaluated(expression)).toBe(value);
  });

  it.each(["setmetatable", "rawget", "io", "load", "dofile", "debug", "collectgarbage", "package"])(
    "gives a snippet no %s, as Kong's sandbox does not",
    async (name) => {
      expect(await evaluated(`type(${name})`)).toBe("nil");
    },
  );

  it("refuses require and changes to its libraries", async () => {
    await expect(resultOf('require("os")')).rejects.toThrow("not allowed within sandbox");
    await expect(resultOf("string.sub = nil")).rejects.toThrow("Protected by the sandbox");
  });

  it.each(["1 // 2", "1 & 2", "1 | 2", "~1", "1 << 2", "1 >> 2"])(
    "refuses %s, which Kong's LuaJIT cannot parse",
    (expression) => {
      expect(() => worker.compile([`local x = ${expression}`])).toThrow("unexpected symbol");
    },
  );

  it("takes those characters in strings, comments and ~=", async () => {
    const snippet = `-- a // b & c
      --[[ x << 1 ]] local url = "http://a|b" .. 'c&d' .. [[e>>f]]
      kong.ctx.shared.result = url ~= nil`;
    expect(await resultOf(snippet)).toBe(true);
  });

  it("refuses what does not parse", () => {
    expect(() => worker.compile(["local = 1"])).toThrow("<name> expected");
  });

  it("keeps the locals of a snippet that returns a function, and of no other", async () => {
    const counting = worker.compile([
      "local n = 0 return function() n = n + 1 kong.ctx.shared.result = n end",
    ]);
    const forgetting = worker.compile(["local n = 0 n = n + 1 kong.ctx.shared.result = n"]);
    const results = [];
    for (const fn of [counting, counting, counting, forgetting, forgetting]) {
      const request = requestWith();
      await worker.access(fn, request);
      results.push(worker.getMember(request, "shared", "result"));
    }
    expect(results).toEqual([1, 2, 3, 1, 1]);
  });

  it("runs the snippets of a phase one after the other", async () => {
    const request = requestWith();
    const both = worker.compile([
      "kong.ctx.shared.result = 'a'",
      "kong.ctx.shared.result = kong.ctx.shared.result .. 'b'",
    ]);
    await worker.access(both, request);
    expect(worker.getMember(request, "shared", "result")).toBe("ab");
  });

  it("shares kong.ctx.shared and ngx.ctx within a request, and not between two", async () => {
    const set = worker.compile(["kong.ctx.shared.a = { n = 1 } ngx.ctx.b = 2"]);
    const read = worker.compile([
      "kong.ctx.shared.result = { kong.ctx.shared.a and kong.ctx.shared.a.n or 0, ngx.ctx.b or 0 }",
    ]);
    const [one, other] = [requestWith(), requestWith()];
    await worker.access(set, one);
    for (const request of [one, other]) await worker.access(read, request);
    expect(worker.getMember(one, "shared", "result")).toEqual([1, 2]);
    expect(worker.getMember(other, "shared", "result")).toEqual([0, 0]);
  });

  it("gives and takes every byte of a string", async () => {
    const body = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
    const request = requestWith();
    worker.setMember(request, "shared", "body", body);
    expect(await resultOf("kong.ctx.shared.result = kong.ctx.shared.body .. '안'", request)).toBe(
      body + bytesOf("안"),
    );
  });

  it("takes a table with the keys 1 to n as an array, and an empty one too", async () => {
    expect(await evaluated("{ 'a', 'b' }")).toEqual(["a", "b"]);
    expect(await evaluated("{}")).toEqual([]);
    expect(await evaluated("{ a = 1, b = { 2 } }")).toEqual({ a: 1, b: [2] });
    expect(await evaluated("{ [3] = 'x' }")).toEqual(new Map([[3, "x"]]));
  });

  it("reads a request's body as it came, and says when nginx has spilled it", async () => {
    const body = bytesOf("안녕 ".repeat(100));
    const given = () => requestWith({ method: "POST", body: textOf(body), bufferBytes: 100 });
    const read = (argument: string) =>
      `local body, err = kong.request.get_raw_body(${argument}) kong.ctx.shared.result = body or err`;
    expect(await resultOf(read("0"), given())).toBe(body);
    expect(await resultOf(read(""), given())).toContain("client body buffer");
    expect(await resultOf(read("50"), given())).toBe(
      `request body file too big: ${body.length} > 50`,
    );
  });

  it("ends a snippet that exits, also within a pcall", async () => {
    const request = requestWith();
    const snippet = `pcall(function() kong.response.exit(429, "slow", { ["X-A"] = "1" }) end)
      kong.ctx.shared.result = "went on"`;
    await expect(resultOf(snippet, request)).rejects.toBeInstanceOf(Exit);
    expect(request.answer).toEqual({ status: 429, body: "slow", headers: { "X-A": "1" } });
    expect(worker.getMember(request, "shared", "result")).toBeUndefined();
  });

  it("raises what is wrong with a call", async () => {
    await expect(resultOf("kong.response.exit('x')")).rejects.toThrow("code must be a number");
    await expect(resultOf("kong.response.get_status()")).rejects.toThrow(
      "function cannot be called in access phase",
    );
    await expect(resultOf("kong.service.request.set_header('a', nil)")).rejects.toThrow(
      'invalid header value for "a": got nil',
    );
    await expect(resultOf("error({})")).rejects.toThrow("table");
  });

  it("finds headers in any spelling", async () => {
    const request = requestWith({ headers: { "X-Some-Header": "v" } });
    const names = ["X-Some-Header", "x-some-header", "x_some_header"];
    for (const name of names) {
      expect(
        await resultOf(`kong.ctx.shared.result = kong.request.get_header("${name}")`, request),
      ).toBe("v");
    }
    expect(
      await resultOf(
        "kong.ctx.shared.result = kong.request.get_headers()['X-SOME-HEADER']",
        request,
      ),
    ).toBe("v");
  });

  it("lets a filter change the chunk, and wait for nothing", () => {
    const request = requestWith();
    request.phase = "body_filter";
    request.chunk = "abc";
    worker.filter(worker.compile(["ngx.arg[1] = ngx.arg[1]:upper() ngx.arg[2] = true"]), request);
    expect([request.chunk, request.last]).toEqual(["ABC", true]);
    expect(() => worker.filter(worker.compile(["ngx.socket.tcp()"]), request)).toThrow(
      "API disabled in the context of body_filter_by_lua*",
    );
  });

  it("logs with every level", async () => {
    await resultOf('kong.log.err("a", 1, nil) kong.log("b") ngx.log(ngx.WARN, "c")');
    expect(lines).toEqual(["err: a1nil", "notice: b", "warn: c"]);
  });

  it("runs a timer with its arguments, outside of the request", async () => {
    const done = nextLine();
    await resultOf(`ngx.timer.at(0, function(premature, a, b)
      local ok, err = pcall(kong.request.get_method)
      kong.log.warn(premature, a, b, ngx.get_phase(), ok)
    end, "x", nil)`);
    expect(await done).toBe("warn: falsexniltimerfalse");
  });

  it("runs no more of ngx.timer.at when the worker exits, but what has begun", async () => {
    const began = nextLine();
    await resultOf(`ngx.timer.at(3600, function() kong.log.warn("late") end)
      ngx.timer.at(0, function()
        kong.log.warn("begun")
        ngx.sleep(0.2)
        kong.log.warn(ngx.worker.exiting(), (ngx.timer.at(0, function() kong.log.warn("new") end)))
      end)`);
    await began;
    await worker.exit();
    expect(lines).toEqual(["warn: begun", "warn: truetrue"]);
  });

  it("logs what fails in a timer", async () => {
    const failed = nextLine();
    await resultOf("ngx.timer.at(0, function() error('oops') end)");
    expect(await failed).toMatch(/err: failed to run timer: .*oops/);
  });

  describe("cosocket", () => {
    let directory: string;
    let server: Server;
    let accepted: Socket[];

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), "cosocket-"));
      accepted = [];
      server = createServer((socket) => {
        accepted.push(socket);
        // Says everything twice, a byte at a time; ends at "bye".
        socket.on("data", (data) => {
          for (const byte of [...data, ...data]) socket.write(Buffer.from([byte]));
          if (data.includes("bye")) socket.end();
        });
      }).listen(join(directory, "s"));
      await once(server, "listening");
    });
    afterEach(() => {
      for (const socket of accepted) socket.destroy();
      server.close();
      rmSync(directory, { recursive: true });
    });

    const connected = (code: string) =>
      resultOf(`local socket = ngx.socket.tcp()
        socket:settimeout(20000)
        local ok, err = socket:connect("unix:${join(directory, "s")}")
        ${code}`);

    it("sends strings and tables of them, and receives as many bytes as it asks for", async () => {
      const result = await connected(`local sent = socket:send({ "a", { "b", 1 }, "\\255" })
        kong.ctx.shared.result = { ok, sent, socket:receive(5), socket:receive(3) }`);
      expect(result).toEqual([1, 4, "ab1\xffa", "b1\xff"]);
    });

    it("receives lines, and what there is until the end", async () => {
      const result = await connected(`socket:send("one\\r\\nbye")
        kong.ctx.shared.result = { socket:receive(), socket:receive("*l"), socket:receive("*a") }`);
      expect(result).toEqual(["one", "byeone", "bye"]);
    });

    it("says how a wait ended, with what had come", async () => {
      const result = await connected(`socket:send("bye")
        local data, why, partial = socket:receive(10)
        kong.ctx.shared.result = { tostring(data), why, partial }`);
      expect(result).toEqual(["nil", "closed", "byebye"]);
      const late = await connected(`socket:settimeout(30)
        local data, why, partial = socket:receive(1)
        kong.ctx.shared.result = { tostring(data), why, partial }`);
      expect(late).toEqual(["nil", "timeout", ""]);
    });

    it("is kept for the next, and counted", async () => {
      const use = `socket:send("x") socket:receive(2)
        kong.ctx.shared.result = { socket:getreusedtimes(), socket:setkeepalive(60000, 2) }`;
      expect(await connected(use)).toEqual([0, 1]);
      expect(await connected(use)).toEqual([1, 1]);
      expect(accepted).toHaveLength(1);
    });

    it("keeps pools of other names apart", async () => {
      const use = (pool: string) => `local named = ngx.socket.tcp()
        named:connect("unix:${join(directory, "s")}", { pool = "${pool}" })
        kong.ctx.shared.result = { named:getreusedtimes(), named:setkeepalive() }`;
      expect(await resultOf(use("one"))).toEqual([0, 1]);
      expect(await resultOf(use("other"))).toEqual([0, 1]);
      expect(await resultOf(use("one"))).toEqual([1, 1]);
    });

    it("that nobody answers is an error in nginx's words", async () => {
      const result = await resultOf(`local socket = ngx.socket.tcp()
        local ok, err = socket:connect("unix:${directory}/none")
        kong.ctx.shared.result = { tostring(ok), err, (select(2, socket:send("x"))) }`);
      expect(result).toEqual(["nil", "no such file or directory", "closed"]);
    });
  });
});
