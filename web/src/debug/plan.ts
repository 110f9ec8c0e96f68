/** What opening the form's session would make, asked of the cluster's agent whenever the form has rested for a moment. Nothing is made. */

import { useCallback, useEffect, useState } from "react";
import { ApiFailure, planSession } from "../api/client";
import type { DebugPlan, OpenSessionBody } from "../api/types";
import { isRetryable } from "../wire/errors";

/** Shorter than a pause between words, longer than between keys. */
const REST_MS = 250;
/** An agent or a gateway that is away comes back; the form need not be touched for that. */
const AGAIN_MS = 3000;

export interface Planned {
  /** The newest plan that came, perhaps of what stood in the form before. */
  plan: DebugPlan | null;
  failure: ApiFailure | null;
  /** True from a change of the form until its plan is there. */
  waiting: boolean;
  retry(): void;
}

/** `body` null: what stands in the form cannot be asked for. */
export function usePlan(body: OpenSessionBody | null): Planned {
  const wanted = body === null ? "" : JSON.stringify({ ...body, reason: "" });
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<{ plan: DebugPlan | null; failure: ApiFailure | null; of: string }>({
    plan: null,
    failure: null,
    of: "",
  });
  const key = `${attempt} ${wanted}`;
  useEffect(() => {
    const answered = state.of === key;
    if (wanted === "" || (answered && !mayPass(state.failure))) return;
    let over = false;
    const timer = setTimeout(
      () => {
        planSession(JSON.parse(wanted) as OpenSessionBody).then(
          (plan) => over || setState({ plan, failure: null, of: key }),
          (failure: unknown) =>
            over ||
            setState((before) => ({
              plan: before.plan,
              failure: failure instanceof ApiFailure ? failure : new ApiFailure(0, null, null),
              of: key,
            })),
        );
      },
      answered ? AGAIN_MS : REST_MS,
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [wanted, key, state]);
  const retry = useCallback(() => setAttempt((before) => before + 1), []);
  return { plan: state.plan, failure: state.failure, waiting: wanted !== "" && state.of !== key, retry };
}

/** Whether the same question can be answered a moment later. */
function mayPass(failure: ApiFailure | null): boolean {
  return failure !== null && (failure.unreachable || (failure.refusal !== null && isRetryable(failure.refusal)));
}
