// A TLS server before another server on loopback, with a certificate for one name of an authority of its
// own: what a provider shows that is asked over https.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";

export interface Authority {
  /** Its certificate, readable by all: Kong's workers are unprivileged. */
  file: string;
  /** Starts a server before that port, whose certificate is for that name. */
  front(name: string, port: number): Promise<{ port: number }>;
  stop(): void;
}

export function startAuthority(): Authority {
  const directory = mkdtempSync(join(tmpdir(), "kong-llm-tls-"));
  chmodSync(directory, 0o755);
  const path = (file: string) => join(directory, file);
  const openssl = (...args: string[]) => {
    execFileSync("openssl", args, { cwd: directory, stdio: "ignore" });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA");
  chmodSync(path("ca.pem"), 0o644);
  const servers: Server[] = [];

  function certificate(name: string): { key: Buffer; cert: Buffer } {
    writeFileSync(path("names"), `subjectAltName=DNS:${name}\n`);
    openssl("req", ...key, "-keyout", "it.key", "-out", "it.csr", "-subj", `/CN=${name}`);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
    openssl("x509", "-req", "-in", "it.csr", ...signed, "-out", "it.pem", "-days", "2");
    return { key: readFileSync(path("it.key")), cert: readFileSync(path("it.pem")) };
  }

  return {
    file: path("ca.pem"),
    async front(name, port) {
      const server = createServer(certificate(name), (socket) => {
        const behind = connect(port, "127.0.0.1");
        for (const one of [socket, behind]) one.on("error", () => undefined);
        socket.pipe(behind).pipe(socket);
      });
      server.on("tlsClientError", () => undefined);
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return { port: (server.address() as AddressInfo).port };
    },
    stop() {
      for (const server of servers) server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
