import { describe, expect, it } from "vitest";
import { hoursOf } from "./off-peak";

// 2026-11-23 is a Monday.
const on = (day: number, hour: number, minute = 0) => Date.UTC(2026, 10, 22 + day, hour, minute);

describe("off-peak hours", () => {
  it("are from a time to just before another, on every day", () => {
    const within = hoursOf("16:30-24:00")!;
    const times = [on(1, 16, 29), on(1, 16, 30), on(1, 23, 59), on(2, 0)];
    expect(times.map(within)).toEqual([false, true, true, false]);
  });

  it("are on some days of the week, also over its end", () => {
    const week = (text: string) => [0, 1, 2, 3, 4, 5, 6].map((day) => hoursOf(text)!(on(day, 12)));
    expect(week("mon-fri 10:00-24:00")).toEqual([false, true, true, true, true, true, false]);
    expect(week("sat-sun 00:00-24:00")).toEqual([true, false, false, false, false, false, true]);
    expect(week("wed 00:00-24:00")).toEqual([false, false, false, true, false, false, false]);
  });

  it.each([
    "",
    "10-12",
    "12:00-10:00",
    "10:00-10:00",
    "10:60-12:00",
    "10:00-24:01",
    "mon-foo 10:00-12:00",
  ])("are not in %j", (text) => {
    expect(hoursOf(text)).toBeUndefined();
  });
});
