/** Texts: Logs of containers. */

import { plural } from "./words";

export const logs = {
  label: (container: string) => `Log of ${container}`,
  container: "Container",
  follow: "Follow",
  previous: "Previous run",
  timestamps: "Times",
  wrap: "Wrap lines",
  tail: "How far back",
  tails: {
    "100": "Last 100 lines",
    "1000": "Last 1,000 lines",
    "10000": "Last 10,000 lines",
    all: "From the beginning",
  } as Record<string, string>,
  search: "Search in the log",
  only: "Only matches",
  found: (at: number, all: number) => (all === 0 ? "no match" : `${at} of ${all.toLocaleString("en")}`),
  next: "Next match",
  previousMatch: "Previous match",
  download: "Download the whole log",
  downloading: (size: string) => `Downloading: ${size}`,
  downloadCut: (size: string) => `The download was cut at ${size}.`,
  downloadFailed: "The log could not be downloaded",
  latest: (count: number) =>
    count === 0 ? "To the latest" : `To the latest (${plural(count, "new line", "new lines")})`,
  loading: "Waiting for the first line",
  empty: "Nothing was printed yet",
  emptyPart: "Nothing was printed in this part",
  dropped: (count: number) =>
    `${plural(count, "earlier line", "earlier lines")} left out here; download the log for all of it`,
  ended: "End of the log",
  endedText: "The container prints nothing more.",
  reconnecting: "The connection broke off. The log goes on where it stopped.",
  refused: "The log cannot be read",
  cut: (count: number) => `… ${plural(count, "more character", "more characters")}`,
  noPrevious: "There was no run before this one.",
};
