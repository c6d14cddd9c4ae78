import { describe, expect, it } from "vitest";
import { originIn, pathAt } from "./provider-url";

describe("llm-models", () => {
  describe("the address of a provider", () => {
    it.each([
      [
        "https://api.a.example",
        "/v1/chat/completions",
        "https api.a.example 443 /v1/chat/completions",
      ],
      ["https://api.a.example/", "/v1/models", "https api.a.example 443 /v1/models"],
      ["https://api.a.example/v1", "/v1/messages", "https api.a.example 443 /v1/messages"],
      [
        "http://localhost:8080/openai",
        "/v1/embeddings",
        "http localhost 8080 /openai/v1/embeddings",
      ],
      ["https://a.example/v1beta/openai/", "/v1/x", "https a.example 443 /v1beta/openai/x"],
      ["https://api.a.example", "/llm/v1/images/edits", "https api.a.example 443 /v1/images/edits"],
      [
        "https://api.a.example",
        "/chat/completions",
        "https api.a.example 443 /v1/chat/completions",
      ],
    ])("%s is asked %s at %s", (url, path, asked) => {
      const origin = originIn(url)!;
      const { scheme, host, port } = origin;
      expect(`${scheme} ${host} ${port} ${pathAt(origin, path)}`).toBe(asked);
    });

    it.each([
      "api.a.example",
      "ftp://api.a.example",
      "https://user:secret@api.a.example",
      "https://api.a.example/v1?key=1",
      "https://api.a.example/v1#x",
      "https://api.a.example/a%2fb",
      "https://",
      "",
    ])("is not %j", (url) => {
      expect(originIn(url)).toBeUndefined();
    });
  });
});
