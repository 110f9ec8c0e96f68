/** What a session's tools container lacks for what a hint is about, as the options of another one: pure. */

import type { Session } from "../api/types";
import type { HintName } from "../terminal/hints";
import { text } from "../text";
import type { Profile } from "./choices";
import { type DebugOptions, targetOf } from "./form";

export interface Lack {
  /** What it was opened with, and what it lacks. */
  options: DebugOptions;
  /** What it lacks, as the form calls it. */
  named: string;
}

interface Need {
  profile: Profile;
  capabilities: readonly string[];
  kinds: readonly Session["kind"][];
}

const NETWORK = ["NET_ADMIN", "NET_RAW"];
const NEEDS: Record<HintName, Need> = {
  rights: { profile: "net", capabilities: NETWORK, kinds: ["node", "debug"] },
  ping: { profile: "net", capabilities: ["NET_RAW"], kinds: ["node", "debug"] },
  links: { profile: "host", capabilities: ["SYS_CHROOT"], kinds: ["node"] },
  // by its profile alone: files and processes of the node are more than a capability
  bus: { profile: "systemd", capabilities: [], kinds: ["node"] },
};
/** Which profiles have what another one is named for (kube/debug_options.py). */
const ALSO: Partial<Record<Profile, readonly Profile[]>> = { host: ["systemd", "trace"], systemd: ["trace"] };

/** Null: nothing that another choice would give it, or its kind can have none of it. */
export function lacking(session: Session, hint: HintName): Lack | null {
  const target = targetOf(session);
  const { profile, capabilities, kinds } = NEEDS[hint];
  const options = session.debug ?? {};
  const chosen = options.profile ?? "";
  if (!target || !kinds.includes(target.kind) || options.system === "windows") return null;
  if (chosen === profile || ALSO[profile]?.includes(chosen)) return null;
  const had = options.capabilities ?? [];
  const missing = capabilities.filter((name) => !had.includes(name));
  if (capabilities.length > 0 && missing.length === 0) return null;
  const title = text.debug.profiles[target.kind]?.[profile]?.[0] ?? profile;
  // Another profile takes the place of one that adds nothing; beside one that does, the capabilities themselves are asked for.
  if (chosen === "" || chosen === "restricted" || capabilities.length === 0) {
    const kept = chosen === "net" ? [...new Set([...had, ...NETWORK])] : had;
    return { options: { ...options, profile, ...(kept.length > 0 ? { capabilities: kept } : {}) }, named: title };
  }
  return { options: { ...options, capabilities: [...had, ...missing] }, named: missing.join(", ") };
}
