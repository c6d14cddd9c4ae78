// Limits that count together although their days or months begin at other times.

import { type PluginEntry, stageOptions } from "../configuration";
import { type Finding, warning } from "../finding";
import type { Located } from "../located";
import type { Trap } from "./trap";

/** One tally has one window: it begins by the calendar of whichever counts first. */
const otherCalendar: Trap = ({ plugins }) => {
  const known = new Map<string, { entry: PluginEntry; begin: string }>();
  return plugins.flatMap((entry): Finding[] => {
    const limits = entry.enabled ? stageOptions(entry, "rate_limit") : undefined;
    if (!limits) return [];
    const said = (name: string, usual: string) => String(limits.get(name)?.value ?? usual);
    const namespace = said("namespace", "default");
    const zone = said("time_zone", "UTC");
    const begins = { day: zone, month: `${zone} ${said("month_day", "1")}` };
    for (const [window, begin] of Object.entries(begins)) {
      if (!limitsBy(window, limits)) continue;
      const tally = JSON.stringify([window, namespace, said("policy", "local")]);
      const before = known.get(tally);
      if (!before) known.set(tally, { entry, begin });
      else if (before.begin !== begin) {
        const { name, at } = before.entry;
        const message = `begins its ${window}s at another time than the ${name} in line ${at.line}, and both count in the namespace "${namespace}": which of the two holds is left to chance; give both the same time_zone and month_day, or each a namespace`;
        const place = limits.get("time_zone") ?? limits.get("month_day") ?? limits;
        return [warning(place, "other-calendar", message)];
      }
    }
    return [];
  });
};

/** Whether anything is limited by days, or months: in the base, the tiers, the levels and for models. */
function limitsBy(window: string, limits: Located): boolean {
  const listed = ["tiers", "levels", "models"].flatMap((name) => limits.get(name)?.items() ?? []);
  return [limits, ...listed].some((scope) =>
    scope.members().some(([, amounts]) => (amounts.get(window)?.value ?? null) !== null),
  );
}

export const calendarTraps = [otherCalendar];
