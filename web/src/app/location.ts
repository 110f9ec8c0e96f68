/**
 * The page's address as state, and its only reader and writer. Everything that can be shared or reloaded is in it.
 *
 * A step (another page, a drawer, a tab, another scope) goes into the history, so that Back undoes it; typing in a search and changing
 * a sort order replace the address in place.
 */

import { type MouseEvent, useMemo, useSyncExternalStore } from "react";
import { keepScope } from "./preferences";
import { addressOf, type Parameters, type Place, parametersOf, placeOf, queryOf, type Scope, scopeOf } from "./routes";

const listeners = new Set<() => void>();

const stepListeners = new Set<() => void>();

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

/** Hear of every step to a page: also to the one that is shown already, and of Back and Forward. */
export function listenForSteps(listener: () => void): () => void {
  stepListeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    stepListeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

/** Go to an address of the console. `replace`: without a step that Back would undo. */
export function navigate(address: string, replace = false): void {
  if (!replace) for (const listener of stepListeners) listener();
  if (address === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  announce();
}

/** The address of a place in the present scope; parameters that are given, even empty, come before the scope's. */
export function linkTo(place: Place, parameters: Parameters = {}): string {
  const { cluster, namespace } = scopeOf(parametersOf(location.search));
  return addressOf(place, { cluster, namespace, ...parameters });
}

/** Go to a place in the present scope. */
export function goTo(place: Place, parameters: Parameters = {}, replace = false): void {
  navigate(linkTo(place, parameters), replace);
}

/** Follow a link of the console without loading the page anew; what the browser opens elsewhere (Ctrl-click, ...) is left to it. */
export function follow(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  navigate(event.currentTarget.pathname + event.currentTarget.search);
}

export function usePath(): string {
  return useSyncExternalStore(listen, () => location.pathname);
}

export function usePlace(): Place {
  const path = usePath();
  return useMemo(() => placeOf(path), [path]);
}

export function useQueryString(): string {
  return useSyncExternalStore(listen, () => location.search);
}

export function useParameters(): Parameters {
  const query = useQueryString();
  return useMemo(() => parametersOf(query), [query]);
}

export function useScope(): Scope {
  const { cluster, namespace } = scopeOf(useParameters());
  return useMemo(() => ({ cluster, namespace }), [cluster, namespace]);
}

/** Change parameters of the query; empty values are left out. `step`: Back undoes it. */
export function setParameters(changes: Parameters, step = false): void {
  navigate(hereWith(changes), !step);
}

/** The present address with some parameters changed. */
export function hereWith(changes: Parameters): string {
  return location.pathname + queryOf({ ...parametersOf(location.search), ...changes });
}

/** Show another cluster or namespace on this page and all others, now and at the next visit. */
export function setScope(scope: Scope): void {
  keepScope(scope);
  setParameters({ ...scope }, true);
}

/** The address as a link for others. */
export function shareableAddress(place: Place, parameters: Parameters = {}): string {
  return location.origin + addressOf(place, parameters);
}
