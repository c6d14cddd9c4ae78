import { describe, expect, it } from "vitest";
import { environmentOf, environmentsIn, isVariables, type ProcessEnvironment } from "./environment";
import { Located } from "./located";

const told = ({ variables }: ProcessEnvironment) =>
  variables.map(({ line, name, text }) => [line, name, text]);

const inYaml = (text: string) => Located.parse("it.yaml", text).documents.flatMap(environmentsIn);

describe("a file of variables", () => {
  it.each([".env", "a/.env", "examples/production.env", "kong.conf"])("is %s", (file) => {
    expect(isVariables(file)).toBe(true);
  });

  it.each(["kong.yaml", "conf.yaml", "environment", "a.environment", "venv", "env.yaml"])(
    "is not %s",
    (file) => {
      expect(isVariables(file)).toBe(false);
    },
  );

  it("is read as shells and Compose read it", () => {
    const text = [
      "# A=comment",
      "PLAIN=traces # all",
      'DOUBLE="a # b"',
      "export SINGLE='it' # c",
      "EMPTY=",
      "EMPTIED= # nothing",
      "FROM=$ELSEWHERE",
      "no assignment",
      "",
    ].join("\r\n");
    expect(told(environmentOf(".env", text))).toEqual([
      [2, "PLAIN", "traces"],
      [3, "DOUBLE", "a # b"],
      [4, "SINGLE", "it"],
      [5, "EMPTY", ""],
      [6, "EMPTIED", ""],
      [7, "FROM", undefined],
    ]);
  });

  it("has spaces around the signs of a kong.conf", () => {
    const text = "plugins = bundled, llm-gateway   # ours\n#database = postgres\n";
    expect(told(environmentOf("kong.conf", text))).toEqual([
      [1, "plugins", "bundled, llm-gateway"],
    ]);
  });
});

describe("the environment of a container", () => {
  it("is a list of names and values, some of which come from elsewhere", () => {
    const [one, ...others] = inYaml(`
containers:
  - args: ["serve", "--telemetry", "traces"]
    env:
      - { name: A, value: "1" }
      - { name: B, valueFrom: { secretKeyRef: { name: s, key: k } } }
      - name: C
        value: of-$(A)
`);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ arguments: ["serve", "--telemetry", "traces"], isOurs: false });
    expect(told(one!)).toEqual([
      [5, "A", "1"],
      [6, "B", undefined],
      [8, "C", undefined],
    ]);
  });
});

describe("the environment of a Kong in values of the chart", () => {
  it("has the plugins that are installed as the chart adds them", () => {
    const text =
      "plugins: { preInstalled: 'llm-client-key,llm-gateway' }\nenv: { database: 'off' }\n";
    expect(inYaml(text).map(told)).toEqual([
      [
        [2, "database", "off"],
        [1, "plugins", "bundled,llm-client-key,llm-gateway"],
      ],
    ]);
  });
});

describe("the environment of a service in Compose", () => {
  it("is a map, whose values need no quotes", () => {
    const [one] = inYaml(`
services:
  a:
    command: serve --telemetry traces
    environment: { A: off, B: 0.1, C: "\${C:-x}", D: }
`);
    expect(told(one!)).toEqual([
      [5, "A", "off"],
      [5, "B", "0.1"],
      [5, "C", undefined],
      [5, "D", undefined],
    ]);
    expect(one?.arguments).toEqual(["serve", "--telemetry", "traces"]);
  });

  it("is a list, in which a name alone takes the value of the shell", () => {
    const [one] = inYaml("services: { a: { environment: [A=1, B, 'C=x=y'] } }");
    expect(told(one!)).toEqual([
      [1, "A", "1"],
      [1, "C", "x=y"],
    ]);
  });
});

describe("what is no environment", () => {
  it("has none: a file of data, a list of words", () => {
    expect(inYaml("env: 7\nenvironment: [a, b]\n")).toEqual([]);
  });
});
