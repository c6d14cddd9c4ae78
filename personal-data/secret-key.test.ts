import { describe, expect, it } from "vitest";
import { foundIn } from "./found-in.fixture";

// Put together here: what looks like a key in a file is taken for one by those who search for them.
const some = (length: number) => "a1B2c3D4e5".repeat(5).slice(0, length);
const pem = (name: string) => `-----BEGIN ${name}-----\nMIIB\n-----END ${name}-----`;

describe("api_key", () => {
  it.each([
    "sk-",
    "sk-proj-",
    "kllm_",
    "xai-",
    "ghp_",
    "github_pat_",
    "sk_live_",
    "hf_",
    "r8_",
    "npm_",
  ])("is found by its mark, %s", (mark) => {
    const key = mark + some(38);
    expect(foundIn(`key=${key};`)).toEqual([`api_key: ${key}`]);
  });

  it("is found by its letters, and as a token of three parts", () => {
    const aws = `AKIA${"ABCDEFGH".repeat(2)}`;
    const google = `AIza${some(35)}`;
    const token = `eyJ${some(12)}.eyJ${some(12)}.${some(20)}`;
    expect(foundIn(aws)).toEqual([`api_key: ${aws}`]);
    expect(foundIn(google)).toEqual([`api_key: ${google}`]);
    const mail = `SG.${some(22)}.${some(43)}`;
    expect(foundIn(`"${mail}"`)).toEqual([`api_key: ${mail}`]);
    expect(foundIn(`a\\nsk-${some(30)}`)).toEqual([`api_key: sk-${some(30)}`]);
    expect(foundIn(`Bearer ${token}`)).toEqual([`api_key: ${token}`]);
  });

  it("is none where it says who has signed a URL", () => {
    const aws = `AKIA${"ABCDEFGH".repeat(2)}`;
    for (const signed of [
      `https://b.s3.amazonaws.com/a.png?X-Amz-Credential=${aws}%2F20240115%2Fus-east-1%2Fs3&X-Amz-Expires=900`,
      `https://b.s3.amazonaws.com/a.png?AWSAccessKeyId=${aws}&Expires=1700000000&Signature=a`,
      "https://storage.googleapis.com/b/a.png?GoogleAccessId=a@b.iam.gserviceaccount.com&Expires=1700000000",
      "https://storage.googleapis.com/b/a.png?X-Goog-Credential=a%40b.iam.gserviceaccount.com%2F20240115",
    ]) {
      expect(foundIn(signed), signed).toEqual([]);
    }
    expect(foundIn(`aws_access_key_id=${aws}`)).toEqual([`api_key: ${aws}`]);
  });

  it("is found of Hugging Face, whose tokens are letters alone", () => {
    const key = `hf_${"aBcDeFgHiJ".repeat(4).slice(0, 34)}`;
    expect(foundIn(`HF_TOKEN=${key}`)).toEqual([`api_key: ${key}`]);
    expect(foundIn(`${key}s`)).toEqual([]);
  });

  it.each([
    "sk-learn-contrib-and-its-many-friends",
    `task-${"a1".repeat(20)}`,
    "sk-123",
    "gsk_short1",
    `hf_hub_download_${some(40)}`,
    `xAKIA${"ABCDEFGH".repeat(2)}`,
    "AKIA1",
    "eyJ.eyJ.x",
    "snake_case_names_of_many_words_1",
  ])("is not %s", (other) => {
    expect(foundIn(`see ${other} there`)).toEqual([]);
  });
});

describe("private_key", () => {
  it.each(["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])(
    "is found as %s, all of it",
    (name) => {
      expect(foundIn(`a\n${pem(name)}\nb`)).toEqual([`private_key: ${pem(name)}`]);
    },
  );

  it("is found right behind another, and where its end is cut off", () => {
    const key = pem("PRIVATE KEY");
    expect(foundIn(key + key)).toEqual([`private_key: ${key}`, `private_key: ${key}`]);
    expect(foundIn(key.slice(0, 40))).toEqual([`private_key: ${key.slice(0, 40)}`]);
  });

  it("is not what anybody may have", () => {
    expect(foundIn(pem("CERTIFICATE"))).toEqual([]);
    expect(foundIn(pem("PUBLIC KEY"))).toEqual([]);
    expect(foundIn("-".repeat(500))).toEqual([]);
  });
});
