import { describe, expect, it } from "vitest";
import { identify } from "./identity";

const request = { id: "1", method: "POST", path: "/v1/chat/completions", client_ip: "203.0.113.7" };
const consumer = { id: "5c0c8aa2-0000-4000-8000-000000000001", username: "alice" };

describe("llm-rate-limit", () => {
  describe("who is limited", () => {
    it("is the consumer that Kong has authenticated", () => {
      const identity = identify({ request, consumer }, "consumer");
      expect(identity).toEqual({ kind: "consumer", key: "consumer:alice" });
    });

    it("is the client address where there is no consumer", () => {
      const identity = identify({ request, consumer: undefined }, "consumer");
      expect(identity).toEqual({ kind: "client address", key: "ip:203.0.113.7" });
    });

    it("is the client address, route or service where the operator says so", () => {
      const routed = { request: { ...request, route: "chat", service: "llm" }, consumer };
      expect(identify(routed, "ip").key).toBe("ip:203.0.113.7");
      expect(identify(routed, "route").key).toBe("route:chat");
      expect(identify(routed, "service").key).toBe("service:llm");
      expect(identify({ request, consumer }, "service").key).toBe("ip:203.0.113.7");
    });

    it("tells a consumer from another whose custom_id is its username", () => {
      const { id } = consumer;
      const keys = [{ id, username: "bob" }, { id, custom_id: "bob" }, { id }].map(
        (consumer) => identify({ request, consumer }, "consumer").key,
      );
      expect(new Set(keys).size).toBe(3);
    });

    it("cannot break out of its place in a key of Redis", () => {
      const hostile = { id: "1", username: "}a{b:c d" };
      const { key } = identify({ request, consumer: hostile }, "consumer");
      expect(key).toBe("consumer:%7Da%7Bb%3Ac%20d");
    });
  });
});
