/** What opening the form's session would make, asked of the cluster's agent whenever the form has rested for a moment. Nothing is made. */

import { useCallback, useEffect, useState } from "react";
import { ApiFailure, planSession } from "../api/client";
import type { DebugPlan, OpenSessionBody } from "../api/types";

/** Shorter than a pause between words, longer than between keys. */
const REST_MS = 250;

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
    if (wanted === "") return;
    let over = false;
    const timer = setTimeout(() => {
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
    }, REST_MS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [wanted, key]);
  const retry = useCallback(() => setAttempt((before) => before + 1), []);
  return { plan: state.plan, failure: state.failure, waiting: wanted !== "" && state.of !== key, retry };
}
