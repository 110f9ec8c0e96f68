/** What a session shows beside its terminal. Replaced as a whole, never changed in place, so that components can compare it. */

import type { Refusal } from "../wire/errors";
import type { HintName } from "./hints";
import type { EndFacts } from "./ports";

export type Phase = "connecting" | "live" | "reconnecting" | "ended" | "refused" | "signed_out";

/** Why a session is not connected. */
export type Cut = "connection" | "gateway" | "agent";

export interface View {
  phase: Phase;
  /** What happens before the first output; empty afterwards. */
  progress: string;
  /** What has happened so far before the first output, the last line being what happens now. */
  steps: readonly string[];
  /** True from the first byte that was shown. */
  shown: boolean;
  attempt: number;
  /** When the next attempt starts (ms of the session's clock); null while it runs. */
  retryAt: number | null;
  cut: Cut;
  cutText: string;
  /** When the session closes for idleness; null when no warning stands. */
  idleAt: number | null;
  idleTimeoutSeconds: number;
  restarting: string;
  /** The cause of the last restart, until dismissed. */
  restarted: string;
  /** Bytes of output that were overwritten before they could be sent, until dismissed. */
  skippedBytes: number;
  /** Earlier output is not available, until dismissed. */
  lost: boolean;
  /** The queue for typed input is full: some was not accepted; until dismissed. */
  inputRefused: boolean;
  /** Advice on errors in the output, until dismissed; each comes once. */
  hints: readonly HintName[];
  target: string;
  unmanaged: string;
  unheld: string;
  recording: boolean;
  owners: number;
  observers: number;
  title: string;
  clipboard: string;
  link: string;
  end: EndFacts | null;
  refusal: Refusal | null;
}

export const FIRST_VIEW: View = {
  phase: "connecting",
  progress: "",
  steps: [],
  shown: false,
  attempt: 0,
  retryAt: null,
  cut: "connection",
  cutText: "",
  idleAt: null,
  idleTimeoutSeconds: 0,
  restarting: "",
  restarted: "",
  skippedBytes: 0,
  lost: false,
  inputRefused: false,
  hints: [],
  target: "",
  unmanaged: "",
  unheld: "",
  recording: false,
  owners: 1,
  observers: 0,
  title: "",
  clipboard: "",
  link: "",
  end: null,
  refusal: null,
};
