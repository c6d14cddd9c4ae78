import { register } from "prom-client";
import { describe, expect, it } from "vitest";
import { neighbourStates } from "../stages/neighbours";
import { noteRefused, watchConfigs } from "./refused-configs";

describe("a configuration that was refused", () => {
  it("is told in /readyz and counted, also when it is told again", async () => {
    watchConfigs(["llm-cache", "llm-models"]);
    expect(neighbourStates().configs).toMatchObject({ ok: true });
    noteRefused("llm-cache", "plugin llm-cache refuses its config: ttl_seconds must be a number");
    noteRefused("llm-cache", "plugin llm-cache refuses its config: ttl_seconds must be a number");
    expect(neighbourStates().configs).toEqual({
      ok: false,
      detail: expect.stringContaining("ttl_seconds must be a number. Its routes answer 503"),
    });
    const text = await register.getSingleMetricAsString("llm_configs_refused_total");
    expect(text).toContain('{plugin="llm-cache"} 2');
    expect(text).toContain('{plugin="llm-models"} 0');
  });
});
