/** The sessions of this user, as the page and the badge share them. */

import { live } from "../api/live";
import { LiveRows, useRows } from "../api/rows";
import type { Session } from "../api/types";

export const sessionRows = new LiveRows<Session>(
  live,
  "sessions",
  (wire) => wire as Session,
  (wire) => (wire as Session).id,
);

const ALL = [""];

/** How many of the user's sessions have not ended, here or elsewhere. */
export function useOpenSessions(): number {
  return useRows(sessionRows, ALL).rows.filter((session) => session.state !== "ended").length;
}
