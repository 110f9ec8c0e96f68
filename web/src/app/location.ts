/** The page's address as state: path and query. Everything that can be shared or reloaded is in it. */

import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

function announce(): void {
  for (const listener of listeners) listener();
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

/** Go to `path` (with query). `replace`: without a step that Back would undo. */
export function navigate(path: string, replace = false): void {
  if (path === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  announce();
}

export function usePath(): string {
  return useSyncExternalStore(listen, () => location.pathname);
}

export function useQueryString(): string {
  return useSyncExternalStore(listen, () => location.search);
}

/** Change parameters of the query in place; empty values are left out. */
export function setParameters(changes: Record<string, string>): void {
  const parameters = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) parameters.set(name, value);
    else parameters.delete(name);
  }
  const query = parameters.toString();
  navigate(location.pathname + (query ? `?${query}` : ""), true);
}
