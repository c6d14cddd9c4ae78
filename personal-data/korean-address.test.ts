import { describe, expect, it } from "vitest";
import { foundIn } from "./found-in.fixture";

describe("address", () => {
  it.each([
    "서울특별시 강남구 테헤란로 123",
    "경기도 성남시 분당구 판교역로 166-1",
    "서울 마포구 월드컵북로 21길 12",
    "서울시 강남구 역삼동 123-45",
    "강남구 테헤란로 123, 4층",
    "제주특별자치도 제주시 첨단로 242",
    "서울특별시, 강남구,\n테헤란로 123",
    "서울 종로구 종로1가 24",
    "성남시 분당구 샛별로 29",
  ])("is found as %s", (spelt) => {
    expect(foundIn(`주소: ${spelt} 입니다`)).toEqual([`address: ${spelt}`]);
  });

  it.each([
    "테헤란로 123",
    "우리 3",
    "앞으로 3일",
    "서로 2명",
    "강남구 역삼동 3",
    "강남구 테헤란로 3개",
    "서울 종로 3가에서",
    "서울시 종류별로 12",
    "경기도 시군별로 31",
    "서울시 최대로 30",
    "대전시 그대로 2",
    "경기도 수원시 우리 3-1",
  ])("is not %s", (other) => {
    expect(foundIn(`그는 ${other} 말했다`)).toEqual([]);
  });
});
