import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sharingOneBuffer } from "./shared-reading";

describe("server", () => {
  describe("sharing one buffer", () => {
    let folder: string;
    const sockets: Socket[] = [];
    const server = createServer();

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), "shared-"));
      server.listen(join(folder, "s.sock"));
      await once(server, "listening");
    });
    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.destroy();
      server.close();
      rmSync(folder, { recursive: true });
    });

    async function pair(): Promise<[here: Socket, there: Socket]> {
      const there = connect(join(folder, "s.sock"));
      const [accepted] = await once(server, "connection");
      const here = sharingOneBuffer(accepted);
      sockets.push(here, there);
      return [here, there];
    }

    it("reads all connections into it, and writes, pauses and ends as before", async () => {
      const [[one, toOne], [other, toOther]] = [await pair(), await pair()];
      const [first, second] = [once(one, "data"), once(other, "data")];
      toOne.write("abc");
      const [buffer, length] = await first;
      expect(buffer.subarray(0, length).toString()).toBe("abc");
      toOther.write("de");
      const [same, shorter] = await second;
      expect(same).toBe(buffer);
      expect(same.subarray(0, shorter).toString()).toBe("de");

      one.pause();
      toOne.write("later");
      const later = once(one, "data");
      one.resume();
      expect((await later)[1]).toBe(5);

      const answer = once(toOne, "data");
      const ended = once(toOne, "end");
      one.end("answer");
      expect(`${(await answer)[0]}`).toBe("answer");
      await ended;
    });

    it("tells that the peer has gone", async () => {
      const [here, there] = await pair();
      const closed = once(here, "close");
      there.destroy();
      await closed;
      expect(here.destroyed).toBe(true);
    });

    it("leaves a socket alone that has no handle to share with", () => {
      const socket = new Socket();
      expect(sharingOneBuffer(socket)).toBe(socket);
    });
  });
});
