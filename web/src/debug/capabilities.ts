/** Linux' capabilities by Kubernetes' names, in the order of their numbers (linux/capability.h); kube/debug_options.py has the same list. */

export const CAPABILITIES: readonly string[] = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE " +
  "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT " +
  "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE " +
  "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ " +
  "PERFMON BPF CHECKPOINT_RESTORE"
).split(" ");

/** More than so many wrong letters is another word. */
const WRONG_LETTERS = 3;

/** The capability that was probably meant; empty when none is near. */
export function nearest(name: string): string {
  const started = name.length > 2 ? CAPABILITIES.filter((known) => known.startsWith(name)) : [];
  if (started.length === 1) return started[0] ?? "";
  let best = "";
  let least = WRONG_LETTERS + 1;
  for (const known of CAPABILITIES) {
    const wrong = distance(name, known);
    if (wrong < least) [best, least] = [known, wrong];
  }
  return best;
}

/** How many letters must change, come or go to make `other` of `one` (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let to = 1; to <= other.length; to++) {
      const changed = (row[to - 1] ?? 0) + (one[at - 1] === other[to - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
