/** What this browser tab keeps over a reload, in sessionStorage: viewer ids and snapshots. Storage may be full or forbidden. */

import type { Snapshot, SnapshotStore } from "./ports";

const VIEWER = "podshell.viewer.";
const SNAPSHOT = "podshell.snapshot.";
/** sessionStorage holds about 5 Mi characters a site; this leaves room for several sessions. */
const SNAPSHOT_CHARACTERS = 512 * 1024;

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Choose the viewer id of a session in this tab: the one it had before a reload, unless another tab uses it (a duplicated tab takes a copy
 * of the storage along). The id is held by a lock for as long as the page lives.
 */
export async function claimViewerId(sessionId: string): Promise<string> {
  const kept = read(VIEWER + sessionId);
  if (kept && /^[0-9a-f]{16}$/.test(kept) && (await lock(kept))) return kept;
  const id = newId();
  write(VIEWER + sessionId, id);
  await lock(id);
  return id;
}

function lock(id: string): Promise<boolean> {
  if (!("locks" in navigator)) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks
      .request(`podshell.viewer.${id}`, { ifAvailable: true }, (held) => {
        resolve(held !== null);
        return held === null ? undefined : new Promise<void>(() => {});
      })
      .catch(() => resolve(true));
  });
}

export function snapshotStore(sessionId: string): SnapshotStore {
  const key = SNAPSHOT + sessionId;
  return {
    load: () => parse(read(key)),
    save: (snapshot) => snapshot.text.length <= SNAPSHOT_CHARACTERS && write(key, JSON.stringify(snapshot)),
    remove: () => remove(key),
  };
}

/** Forget all that was kept for a session. */
export function forgetSession(sessionId: string): void {
  remove(SNAPSHOT + sessionId);
  remove(VIEWER + sessionId);
}

function parse(json: string | null): Snapshot | null {
  if (!json) return null;
  try {
    const value = JSON.parse(json) as Partial<Snapshot>;
    const { epoch, offset, cols, rows, text } = value;
    if (typeof epoch !== "string" || typeof text !== "string") return null;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(cols) || !Number.isSafeInteger(rows)) return null;
    return { epoch, text, offset: offset as number, cols: cols as number, rows: rows as number };
  } catch {
    return null;
  }
}

export function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

export function write(key: string, value: string): boolean {
  try {
    sessionStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

function remove(key: string): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // nothing was kept either
  }
}
