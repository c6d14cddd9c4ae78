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
