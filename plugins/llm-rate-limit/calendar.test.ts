import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calendarOf, utc } from "./calendar";

const at = (text: string) => Date.parse(text);
const shown = ({ start, end }: { start: number; end: number }) =>
  [start, end].map((time) => new Date(time).toISOString().replace(".000Z", "Z"));

describe("llm-rate-limit", () => {
  describe("a calendar", () => {
    it("begins its days at midnight of its time zone", () => {
      const seoul = calendarOf("Asia/Seoul", 1);
      expect(shown(seoul.periodAt("day", at("2026-11-26T14:59:59.999Z")))).toEqual([
        ...["2026-11-25T15:00:00Z", "2026-11-26T15:00:00Z"],
      ]);
      expect(shown(seoul.periodAt("day", at("2026-11-26T15:00:00Z")))).toEqual([
        ...["2026-11-26T15:00:00Z", "2026-11-27T15:00:00Z"],
      ]);
      expect(shown(seoul.periodAt("month", at("2026-11-30T15:00:00Z")))).toEqual([
        ...["2026-11-30T15:00:00Z", "2026-12-31T15:00:00Z"],
      ]);
    });

    it("has days of 23 and 25 hours where clocks are moved", () => {
      const berlin = calendarOf("Europe/Berlin", 1);
      const hours = (day: string) => {
        const { start, end } = berlin.periodAt("day", at(day));
        return (end - start) / 3_600_000;
      };
      expect([hours("2026-03-29T12:00:00Z"), hours("2026-10-25T12:00:00Z")]).toEqual([23, 25]);
    });

    it("begins a day, and a month, once where midnight comes twice", () => {
      const havana = calendarOf("America/Havana", 1);
      for (const time of ["04:00", "04:30", "05:00", "05:30", "12:00"]) {
        const moment = at(`2026-11-01T${time}:00Z`);
        expect(shown(havana.periodAt("day", moment))).toEqual([
          ...["2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"],
        ]);
        expect(shown(havana.periodAt("month", moment))).toEqual([
          ...["2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"],
        ]);
      }
    });

    it("begins a day at one where clocks are moved at midnight", () => {
      const cairo = calendarOf("Africa/Cairo", 1);
      expect(shown(cairo.periodAt("day", at("2026-04-24T09:00:00Z")))).toEqual([
        ...["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"],
      ]);
    });

    it.each([
      ["of 29 days", "2028-02-29T12:00:00Z", ["2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"]],
      ["of 28 days", "2027-02-28T12:00:00Z", ["2027-02-28T00:00:00Z", "2027-03-31T00:00:00Z"]],
      ["of 30 days", "2026-04-30T00:00:00Z", ["2026-04-30T00:00:00Z", "2026-05-31T00:00:00Z"]],
      ["of 31 days", "2026-12-31T00:00:00Z", ["2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z"]],
    ])(
      "begins a month %s on its last day where bills are made on the 31st",
      (_, moment, period) => {
        expect(shown(calendarOf("UTC", 31).periodAt("month", at(moment)))).toEqual(period);
      },
    );

    it("begins its months on the day of the bill, or on the last of a shorter month", () => {
      const billed = calendarOf("UTC", 31);
      expect(shown(billed.periodAt("month", at("2026-02-27T23:00:00Z")))).toEqual([
        ...["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"],
      ]);
      expect(shown(billed.periodAt("month", at("2026-02-28T00:00:00Z")))).toEqual([
        ...["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"],
      ]);
    });

    it("leaves no moment out, and no moment in two", () => {
      const someTime = fc.integer({ min: at("2000-01-01"), max: at("2060-01-01") });
      const someZone = fc.constantFrom(
        ...["UTC", "Asia/Seoul", "America/New_York", "Asia/Kathmandu", "America/Havana"],
        ...["Atlantic/Azores", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe"],
      );
      fc.assert(
        fc.property(someTime, someZone, fc.integer({ min: 1, max: 31 }), (time, zone, day) => {
          const calendar = calendarOf(zone, day);
          for (const window of ["day", "month"] as const) {
            const period = calendar.periodAt(window, time);
            expect(period.start).toBeLessThanOrEqual(time);
            expect(period.end).toBeGreaterThan(time);
            expect(calendar.periodAt(window, period.end).start).toBe(period.end);
            expect(calendar.periodAt(window, period.start - 1).end).toBe(period.start);
          }
        }),
        { numRuns: 300 },
      );
    });

    it("of UTC is the plain one", () => {
      expect(calendarOf("UTC", 1)).toBe(utc);
      const time = at("2026-12-31T23:59:59Z");
      expect(shown(utc.periodAt("month", time))).toEqual([
        ...["2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
      ]);
    });
  });
});
