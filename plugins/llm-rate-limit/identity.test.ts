import { describe, expect, it } from "vitest";
import { identify } from "./identity";
import type { RateLimitOptions } from "./schema";

const request = { id: "1", method: "POST", path: "/v1/chat/completions", client_ip: "203.0.113.7" };
const consumer = { id: "5c0c8aa2-0000-4000-8000-000000000001", username: "alice" };

const by = (limit_by: RateLimitOptions["limit_by"], header_name = "") => ({
  limit_by,
  header_name,
});

describe("llm-rate-limit", () => {
  describe("who is limited", () => {
    it("is the consumer that Kong has authenticated", () => {
      const identity = identify({ request, consumer }, by("consumer"));
      expect(identity).toEqual({ kind: "consumer", key: "consumer:alice" });
    });

    it("is the client address where there is no consumer", () => {
      const identity = identify({ request, consumer: undefined }, by("consumer"));
      expect(identity).toEqual({ kind: "client address", key: "ip:203.0.113.7" });
    });

    it("is the client address, route or service where the operator says so", () => {
      const routed = { request: { ...request, route: "chat", service: "llm" }, consumer };
      expect(identify(routed, by("ip")).key).toBe("ip:203.0.113.7");
      expect(identify(routed, by("route")).key).toBe("route:chat");
      expect(identify(routed, by("service")).key).toBe("service:llm");
      expect(identify({ request, consumer }, by("service")).key).toBe("ip:203.0.113.7");
    });

    it("is the credential or the value of a header, of which only a digest is kept", () => {
      const asked = {
        request: { ...request, credential: "c-1", headers: { "x-team": "sk-secret" } },
        consumer,
      };
      expect(identify(asked, by("credential")).key).toBe("credential:c-1");
      const { kind, key } = identify(asked, by("header", "X-Team"));
      expect(kind).toBe("header");
      expect(key).toMatch(/^header:x-team:[\w-]{22}$/);
      expect(identify({ request, consumer }, by("header", "X-Team")).key).toBe("ip:203.0.113.7");
      expect(identify({ request, consumer }, by("credential")).key).toBe("ip:203.0.113.7");
    });

    it("tells a consumer from another whose custom_id is its username", () => {
      const { id } = consumer;
      const keys = [{ id, username: "bob" }, { id, custom_id: "bob" }, { id }].map(
        (consumer) => identify({ request, consumer }, by("consumer")).key,
      );
      expect(new Set(keys).size).toBe(3);
    });

    it("cannot break out of its place in a key of Redis", () => {
      const hostile = { id: "1", username: "}a{b:c d" };
      const { key } = identify({ request, consumer: hostile }, by("consumer"));
      expect(key).toBe("consumer:%7Da%7Bb%3Ac%20d");
    });
  });
});
