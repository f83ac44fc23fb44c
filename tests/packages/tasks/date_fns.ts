// Calculates with dates by date-fns.

import { addMonths, eachDayOfInterval, format, formatDistance, parse } from "date-fns";
import { de } from "date-fns/locale";

/** Params: a `date` such as 2026-01-31. */
export default function run({ date }: { date: string }) {
  const start = parse(date, "yyyy-MM-dd", new Date(0));
  const end = addMonths(start, 1);
  return {
    end: format(end, "EEEE, d. MMMM yyyy", { locale: de }),
    days: eachDayOfInterval({ start, end }).length,
    distance: formatDistance(end, start, { addSuffix: true }),
  };
}
