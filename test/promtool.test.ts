// Prometheus itself reads the rules, and they fire when their tests say so: where its promtool is on PATH,
// or named by PROMTOOL. go build github.com/prometheus/prometheus/cmd/promtool makes one.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const program = process.env.PROMTOOL ?? "promtool";
const isThere = spawnSync(program, ["--version"]).status === 0;
const directory = join(__dirname, "../observability/prometheus");

function promtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}`;
}

describe.skipIf(!isThere)(
  `Prometheus' own tool${isThere ? "" : " (skipped: there is no promtool on PATH)"}`,
  () => {
    it.each(["alerts.yaml", "slo.yaml"])("reads %s", (file) => {
      expect(promtool("check", "rules", file)).toBe("");
    });

    it.each(["alerts.test.yaml", "slo.test.yaml"])(
      "finds that the rules do what %s says",
      (file) => {
        expect(promtool("test", "rules", file)).toBe("");
      },
    );

    it("reads the configuration of Compose", () => {
      expect(promtool("check", "config", "prometheus.yml")).toBe("");
    });
  },
);
