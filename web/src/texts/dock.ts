/** Texts: The dock of shells. */

import { plural } from "./words";

export const dock = {
  label: "Shells",
  tabs: "Open shells",
  minimise: "Minimise",
  restore: "Restore",
  full: "Full height",
  half: "Half height",
  resize: "Resize the terminal",
  closeTab: (name: string) => `End the session in ${name}`,
  removeTab: (name: string) => `Close the tab of ${name}`,
  place: (cluster: string, namespace: string) => `cluster ${cluster}, namespace ${namespace}`,
  count: (count: number) => plural(count, "shell", "shells"),
  loading: "Loading the terminal",
  unseen: "new output",
};
