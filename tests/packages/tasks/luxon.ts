// Calculates with time zones by luxon, over the change to summer time.

import { DateTime, Interval } from "luxon";

/** Params: `time`, RFC 3339. */
export default function run({ time }: { time: string }) {
  const berlin = DateTime.fromISO(time, { zone: "Europe/Berlin", locale: "de" });
  const later = berlin.plus({ days: 1 });
  return {
    local: berlin.toFormat("cccc, d. LLLL yyyy HH:mm ZZ"),
    tokyo: berlin.setZone("Asia/Tokyo").toISO(),
    hours: Interval.fromDateTimes(berlin, later).length("hours"),
  };
}
