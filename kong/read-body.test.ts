import { describe, expect, it } from "vitest";
import { readBody } from "./read-body";

const body = '{"model":"gpt-4"}';

function headersOf(content_type: string | undefined) {
  const request = {
    ...{ id: "r1", method: "POST", path: "/v1/chat/completions", client_ip: "127.0.0.1" },
    ...{ body, bytes: body.length, ...(content_type !== undefined && { content_type }) },
  };
  const { body: read, headers } = readBody({ request }, 1000);
  expect(read?.get("model")).toBe("gpt-4");
  return headers;
}

describe("the body of an endpoint that takes JSON", () => {
  it.each([
    "application/json",
    "Application/JSON; charset=UTF-8",
    'application/json;charset="utf-8"',
    undefined,
  ])("goes upstream with its type as it came: %s", (type) => {
    expect(headersOf(type)).toBeUndefined();
  });

  it.each([
    // curl -d, where nobody says otherwise.
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-7",
    "application/json; charset=utf-16",
    "application/json, application/x-www-form-urlencoded",
    "text/plain",
    "",
  ])("goes upstream as the JSON that was read, where its type is %j", (type) => {
    expect(headersOf(type)).toEqual({ "content-type": "application/json" });
  });
});

describe("a request for a WebSocket", () => {
  // Codex tried seven times at a 404.
  it("is a 426, at which Codex goes on over HTTP", () => {
    const path = "/v1/responses";
    const request = { id: "r1", method: "GET", path, client_ip: "127.0.0.1", upgrade: "websocket" };
    expect(readBody({ request }, 1000).refusal?.status).toBe(426);
  });
});

// Codex edits pictures with JSON, OpenRouter takes sound in it.
describe("the body of an endpoint that takes a form", () => {
  function read(path: string, content_type: string | undefined, text: string) {
    const request = {
      ...{ id: "r1", method: "POST", path, client_ip: "127.0.0.1", body: text, bytes: text.length },
      ...(content_type !== undefined && { content_type }),
    };
    const { body, refusal, headers } = readBody({ request }, 1000);
    return { model: body?.get("model"), said: refusal?.error?.message, headers };
  }
  const edit = '{"model":"gpt-image-2","images":[{"image_url":"https://example.com/hat.png"}]}';

  it.each([
    ["/v1/images/edits", "application/json"],
    ["/v1/images/variations", undefined],
    ["/v1/audio/transcriptions", "application/json; charset=utf-8"],
  ])("is read as JSON where it is sent so: %s", (path, type) => {
    expect(read(path, type, edit)).toEqual({ model: "gpt-image-2" });
  });

  it("goes upstream as the JSON that was read, whatever its type says", () => {
    const { headers } = read("/v1/images/edits", "application/x-www-form-urlencoded", edit);
    expect(headers).toEqual({ "content-type": "application/json" });
  });

  it.each([["audio/wav"], ["application/x-www-form-urlencoded"], [undefined]])(
    "is refused in words where it is neither: %s",
    (type) => {
      const { said } = read("/v1/audio/transcriptions", type, "model=whisper-1");
      expect(said).toContain("neither a multipart form");
    },
  );

  it("is refused where its type says form and no form was read, be it JSON", () => {
    const { said } = read("/v1/images/edits", "Multipart/Form-Data; boundary=x", edit);
    expect(said).toContain("no multipart form");
  });
});

it("a form for an endpoint that takes JSON is told so", () => {
  const request = {
    ...{ id: "r1", method: "POST", path: "/v1/images/generations", client_ip: "127.0.0.1" },
    ...{ content_type: "multipart/form-data; boundary=x", form: { model: "gpt-image-2" } },
  };
  expect(readBody({ request }, 1000).refusal?.error?.message).toContain("it is a form");
});
