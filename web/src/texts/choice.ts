/** Texts: The choice of a container. */

export const choice = {
  title: (pod: string) => `Choose a container of ${pod}`,
  filter: "Type to filter, arrows to choose, Enter to open",
  open: "Open shell",
  default: "default",
  none: "No container matches.",
  roles: { container: "", init: "init", sidecar: "sidecar", ephemeral: "debug" } as Record<string, string>,
  cannot: (why: string) => `No shell: ${why}.`,
};
