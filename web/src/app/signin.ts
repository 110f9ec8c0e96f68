/** Sign-in by the one-time link: the secret stands in the fragment, which no server and no log ever sees, and leaves it at once. */

import { useEffect, useState } from "react";
import { ApiFailure, signIn } from "../api/client";

export type SignInOutcome = "working" | "none" | "done" | "used" | "failed";

/** Take the secret out of the address; empty when there is none. */
function takeSecret(): string {
  const secret = new URLSearchParams(location.hash.slice(1)).get("signin") ?? "";
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  return secret;
}

const secret = takeSecret();
let exchange: Promise<SignInOutcome> | null = null;

async function run(): Promise<SignInOutcome> {
  try {
    await signIn(secret);
    return "done";
  } catch (failure) {
    return failure instanceof ApiFailure && failure.refusal ? "used" : "failed";
  }
}

/** Exchange the link's secret once a page. A browser that is signed in already stays so, whatever the link was worth. */
export function useSignIn(): SignInOutcome {
  const [outcome, setOutcome] = useState<SignInOutcome>(secret ? "working" : "none");
  useEffect(() => {
    if (!secret) return;
    exchange ??= run();
    void exchange.then(setOutcome);
  }, []);
  return outcome;
}
