import { describe, expect, it } from "vitest";
import { Located } from "./located";

function parse(lines: string[]): Located {
  const { documents } = Located.parse("some.yaml", lines.join("\n"));
  return documents[0]!;
}

describe("kong", () => {
  describe("a value in a YAML file", () => {
    it("knows its line, and its field by the names on the way", () => {
      const file = parse(["services:", "  - name: a", "    routes:", "      - paths: [/v1]"]);
      const path = file.at(["services", 0, "routes", 0, "paths", 0]);
      expect([path.line, path.field, path.text]).toEqual([
        4,
        "services[a].routes[0].paths[0]",
        "/v1",
      ]);
    });

    it("is found down to the last that exists", () => {
      const file = parse(["a:", "  b: 1"]);
      expect(file.at(["a", "c", "d"]).field).toBe("a");
    });

    it("is found by aliases and merge keys; what is written nearer wins", () => {
      const file = parse(["x: &x", "  a: 1", "  b: 2", "y:", "  <<: *x", "  b: 3", "z: *x"]);
      const y = file.get("y")!;
      expect([y.get("a")?.value, y.get("b")?.value]).toEqual([1, 3]);
      expect(y.get("a")?.line).toBe(2);
      expect(file.at(["z", "b"]).value).toBe(2);
      const fields = [...file.all()].map(({ field }) => field);
      expect(fields).toEqual(["", "x", "x.a", "x.b", "y", "y.b"]);
    });

    it("holds decK's variables without quotes, where their braces would end a map", () => {
      const variable = `\${{ env "DECK_X" | toInt }}`;
      const lines = [`a: { b: ${variable}, c: [${variable}, 1] }`, `d: ${variable} # last`];
      const file = parse(['_format_version: "3.0"', ...lines]);
      const [b, d] = [file.find(["a", "b"]), file.get("d")];
      expect([b?.text, b?.isPlain, b?.isVariable, b?.line]).toEqual([variable, true, true, 2]);
      expect(file.find(["a", "c"])?.value).toEqual([variable, 1]);
      expect([d?.text, d?.line]).toEqual([variable, 3]);
    });

    it("has what it lacks from the map beneath it, at whose lines it stands", () => {
      const file = parse(["below: { a: 1, b: 2 }", "own:", "  b: 3"]);
      const both = file.get("own")!.over(file.get("below"));
      expect(both.value).toEqual({ a: 1, b: 3 });
      expect([both.get("a")?.line, both.get("b")?.line]).toEqual([1, 3]);
      expect(file.get("own")!.over(undefined).value).toEqual({ b: 3 });
    });

    it("is what Kong and Kubernetes make of it, and what Compose does in its files", () => {
      const words = "a: [yes, off, 1_000, 0123, 1:30, 2026-01-31]";
      const kongs = parse(['_format_version: "3.0"', words]).get("a");
      expect(kongs?.value).toEqual([true, false, 1000, 83, "1:30", "2026-01-31"]);
      const others = parse([words]).get("a");
      expect(others?.value).toEqual(["yes", "off", "1_000", 123, "1:30", "2026-01-31"]);
    });

    it("keeps the lines of the file where it stands in a text", () => {
      const file = parse(["kind: ConfigMap", "data:", "  kong.yml: |", "    # first", "    a: 1"]);
      const [inner] = file.at(["data", "kong.yml"]).embedded();
      expect([inner?.get("a")?.line, inner?.file]).toEqual([5, "some.yaml"]);
    });

    it("is not there in a broken document, whose place is told without its text", () => {
      const { documents, unreadable } = Located.parse("some.yaml", "a: 1\n---\nkey: [secret\n");
      expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }]);
      expect(unreadable).toHaveLength(1);
      expect(unreadable[0]?.line).toBeGreaterThanOrEqual(3);
      expect(unreadable[0]?.reason).not.toContain("secret");
    });
  });
});
