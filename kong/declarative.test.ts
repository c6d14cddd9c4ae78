import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { variablesOf } from "./deck-words";
import { parseDeclarative, renderDeclarative } from "./declarative";

describe("renderDeclarative", () => {
  it("puts the variables in, with and without spaces, and drops _info", () => {
    const rendered = renderDeclarative(
      `_format_version: "3.0"
_info: { select_tags: [kong-llm] }
consumers:
  - username: \${{env "DECK_NAME"}}
    keyauth_credentials:
      - key: 'Bearer \${{ env "DECK_KEY" }}'`,
      { DECK_NAME: "app", DECK_KEY: "it's: a #key" },
    );
    expect(parse(rendered)).toEqual({
      _format_version: "3.0",
      consumers: [{ username: "app", keyauth_credentials: [{ key: "Bearer it's: a #key" }] }],
    });
  });

  it("makes a number of an unquoted number, and a string of a quoted one", () => {
    const text = `a: \${{ env "DECK_PORT" }}\nb: '\${{ env "DECK_PORT" }}'`;
    const rendered = parse(renderDeclarative(text, { DECK_PORT: "8000" }));
    expect(rendered).toEqual({ a: 8000, b: "8000" });
  });

  it("lets no value change the YAML around it", () => {
    const rendered = renderDeclarative(`a: \${{ env "DECK_X" }}`, { DECK_X: "1\nb: 2" });
    expect(parse(rendered)).toEqual({ a: "1\nb: 2" });
  });

  it("names every missing variable", () => {
    const text = `a: '\${{ env "DECK_ONE" }} \${{ env "DECK_TWO" }}'`;
    expect(() => renderDeclarative(text, {})).toThrow(
      "environment variables not set: DECK_ONE, DECK_TWO",
    );
  });

  it("refuses a variable that decK would refuse", () => {
    expect(() => renderDeclarative(`a: \${{ env "HOME" }}`, { HOME: "x" })).toThrow(
      '"HOME" must start with DECK_',
    );
  });

  it("makes numbers and booleans where decK does, and of nothing else", () => {
    const text = `a: \${{ env "DECK_X" | toInt }}\nb: \${{ env \`DECK_Y\` | toBool }}`;
    expect(parse(renderDeclarative(text, { DECK_X: "42", DECK_Y: "TRUE" }))).toEqual({
      a: 42,
      b: true,
    });
    expect(() => renderDeclarative(text, { DECK_X: "4x", DECK_Y: "true" })).toThrow(
      "DECK_X is not a whole number, as toInt demands",
    );
    expect(variablesOf(text)).toEqual(["DECK_X", "DECK_Y"]);
  });

  it("puts a variable in where its braces would end a map of YAML", () => {
    const text = `a: { b: \${{ env "DECK_X" | toInt }}, c: 'x \${{ env "DECK_X" }}' }`;
    expect(parse(renderDeclarative(text, { DECK_X: "42" }))).toEqual({ a: { b: 42, c: "x 42" } });
  });

  it("refuses what it does not understand instead of handing it to Kong", () => {
    expect(() => renderDeclarative(`a: \${{ env "DECK_X" | upper }}`, { DECK_X: "1" })).toThrow(
      "is understood",
    );
  });

  it("fills in defaults and shared configs, as decK does before Kong sees the file", () => {
    const text = `_format_version: "3.0"
_info:
  defaults: { route: { strip_path: false }, service: { retries: 0 } }
_plugin_configs:
  limits: { rate_limit: { requests: { minute: 10 } }, cache: { ttl_seconds: 60 } }
services:
  - name: s
    host: h
    retries: 3
    routes: [{ name: r, paths: [/v1] }, { name: q, paths: [/q], strip_path: true }]
    plugins:
      - { name: llm-gateway, _config: limits, config: { cache: { ttl_seconds: 5 } } }
routes:
  - { name: t, service: { name: s }, paths: [/t] }`;
    const { services, routes } = parseDeclarative(renderDeclarative(text, {}));
    expect(services[0]).toMatchObject({
      retries: 3,
      routes: [{ strip_path: false }, { strip_path: true }],
      plugins: [
        {
          name: "llm-gateway",
          config: { rate_limit: { requests: { minute: 10 } }, cache: { ttl_seconds: 5 } },
        },
      ],
    });
    expect(routes).toMatchObject([{ service: "s", strip_path: false }]);
    expect(() => renderDeclarative(text.replace("_config: limits", "_config: limit"), {})).toThrow(
      'there is no "limit" in _plugin_configs',
    );
  });

  it("keeps texts that YAML 1.1, which Kong reads, takes for something else", () => {
    const text = `a: "no"\nb: &b [yes, 1_000, 1:30, 2026-01-31]\nc: *b`;
    const b = [true, 1000, "1:30", "2026-01-31"];
    const rendered = renderDeclarative(text, {});
    expect(parse(rendered, { version: "1.1", customTags: [] })).toEqual({ a: "no", b, c: b });
  });

  it("reads one document, and shows nothing of one that is broken", () => {
    expect(() => renderDeclarative("a: 1\n---\nb: 2", {})).toThrow("several documents");
    expect(() => renderDeclarative("key: [secret", {})).toThrow(/^not valid YAML: (?!.*secret)/);
  });

  it.each(["consumer_groups:\n  - name: gold", "consumers:\n  - username: a\n    groups: [gold]"])(
    "refuses consumer groups, which a Kong OSS does not know",
    (text) => {
      expect(() => renderDeclarative(text, {})).toThrow("Kong Enterprise");
    },
  );

  it("refuses what is no YAML map", () => {
    expect(() => renderDeclarative("a: [", {})).toThrow("not valid YAML");
    expect(() => renderDeclarative("[]", {})).toThrow("must be a map of entities");
  });

  it("renders a gateway of 150 routes that share an anchor", () => {
    const route = (name: string) => `      - { <<: *shared, name: r-${name} }`;
    const routes = Array.from({ length: 150 }, (_, index) => route(String(index)));
    const text = [
      ...['_format_version: "3.0"', "services:", "  - name: s", "    host: h", "    routes:"],
      ...["      - &shared { name: first, strip_path: false }", ...routes],
    ].join("\n");
    expect(parseDeclarative(renderDeclarative(text, {})).services[0]?.routes).toHaveLength(151);
  });

  it("says of an alias without an anchor, or within itself, what is wrong", () => {
    expect(() => renderDeclarative("a: *none", {})).toThrow("*none has no anchor before it");
    expect(() => renderDeclarative("a: &a [*a]", {})).toThrow("*a stands within itself");
  });

  it("renders our kong.yaml so that a DB-less Kong loads it", () => {
    const text = readFileSync(join(__dirname, "../kong.yaml"), "utf8");
    const environment = Object.fromEntries(variablesOf(text).map((name) => [name, "key"]));
    const config = parseDeclarative(renderDeclarative(text, environment));
    expect(config.services[0]?.routes.map(({ strip_path }) => strip_path)).not.toContain(true);
    expect(config.consumers[0]?.keyauth_credentials).toEqual([{ key: "key" }]);
  });
});

describe("parseDeclarative", () => {
  const service = (more: string) =>
    parseDeclarative(`_format_version: "3.0"\nservices:\n  - name: s\n    host: h\n    ${more}`);

  it("fills in Kong's defaults", () => {
    const { services } = service("routes: [{ name: r }]");
    expect(services[0]).toMatchObject({ retries: 5, read_timeout: 60_000, protocol: "http" });
    expect(services[0]?.routes[0]).toMatchObject({ strip_path: true, path_handling: "v0" });
  });

  it("names the field that Kong does not know", () => {
    expect(() => service("timeout: 3")).toThrow(/services\.0.*timeout/);
    expect(() => service("routes: [{ name: r, strip: true }]")).toThrow(/routes\.0.*strip/);
  });

  it("names the field of a wrong type", () => {
    expect(() => service("retries: many")).toThrow("services.0.retries");
  });

  it("refuses _info, as a DB-less Kong does", () => {
    expect(() => parseDeclarative('_format_version: "3.0"\n_info: {}')).toThrow("_info");
  });
});
