import { once } from "node:events";
import {
  existsSync,
  linkSync,
  mkdtempSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ListeningSocket, listenOn } from "./socket";

describe("server", () => {
  let folder: string;
  let path: string;
  const opened: ListeningSocket[] = [];

  async function listen(mode = 0o666, at = path): Promise<ListeningSocket> {
    const socket = await listenOn({ path: at, mode }, (connection) => connection.end("hello"));
    opened.push(socket);
    return socket;
  }

  async function greeting(): Promise<string> {
    const [data] = await once(connect(path), "data");
    return `${data}`;
  }

  /** Leaves a socket behind on which nobody listens, as a killed server does. */
  async function leaveStale(): Promise<void> {
    const dead = createServer().listen(`${path}.dead`);
    await once(dead, "listening");
    linkSync(`${path}.dead`, path);
    dead.close();
    await once(dead, "close");
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "socket-"));
    path = join(folder, "run/kong.sock");
  });
  afterEach(() => {
    for (const socket of opened.splice(0)) void socket.close();
    rmSync(folder, { recursive: true });
  });

  describe("a socket", () => {
    it.each([0o666, 0o660])("has the mode %o before anyone can see it", async (mode) => {
      await listen(mode);
      expect(statSync(path).mode & 0o777).toBe(mode);
      expect(await greeting()).toBe("hello");
    });

    it("gets the group it was told to", async () => {
      const gid = process.getgid!();
      opened.push(await listenOn({ path, mode: 0o660, owner: { gid } }, () => {}));
      expect(statSync(path).gid).toBe(gid);
    });

    it("takes the place of a dead server's", async () => {
      await listen();
      await opened.splice(0)[0]!.close();
      await leaveStale();
      await listen();
      expect(await greeting()).toBe("hello");
    });

    it("never takes the place of a running server's", async () => {
      await listen();
      await expect(listen()).rejects.toThrow(
        `another plugin server is listening on ${path}: stop it or give another path`,
      );
      expect(await greeting()).toBe("hello");
    });

    it("never takes the place of something else", async () => {
      const file = join(folder, "file");
      writeFileSync(file, "precious");
      await expect(listen(0o666, file)).rejects.toThrow(`${file} exists and is no socket`);
      expect(existsSync(file)).toBe(true);
    });

    it("is removed at the end, but not when it is another server's by then", async () => {
      const first = await listen();
      await first.close();
      expect(existsSync(path)).toBe(false);

      const second = await listen();
      unlinkSync(path);
      await listen();
      await second.close();
      expect(await greeting()).toBe("hello");
    });

    it("says so when its path is longer than unix sockets allow", async () => {
      await expect(listen(0o666, join(folder, "x".repeat(100)))).rejects.toThrow("is too long");
    });
  });
});
