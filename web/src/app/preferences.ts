/** What this browser remembers of how its user likes the console. Nothing secret; storage may be full or forbidden. */

import { EVERYWHERE, type Scope } from "./routes";

const PREFIX = "podshell.preference.";

/** Read a preference; null when there is none, or when it is not what `parse` accepts. */
export function preference<T>(name: string, parse: (value: unknown) => T | null): T | null {
  try {
    return parse(JSON.parse(localStorage.getItem(PREFIX + name) ?? "null"));
  } catch {
    return null;
  }
}

export function keepPreference(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Then it is forgotten with the page.
  }
}

function parseScope(value: unknown): Scope | null {
  const { cluster, namespace } = (value ?? {}) as Partial<Record<keyof Scope, unknown>>;
  return typeof cluster === "string" && typeof namespace === "string" ? { cluster, namespace } : null;
}

/** The scope of the last visit. */
export const keptScope = (): Scope => preference("scope", parseScope) ?? EVERYWHERE;
export const keepScope = (scope: Scope): void => keepPreference("scope", scope);
