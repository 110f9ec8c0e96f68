/** What was refused or failed, by whom, and what to do next. */

import { Button, Group, Modal } from "@mantine/core";
import { useEffect, useState } from "react";
import type { ApiFailure } from "../api/client";
import { opening, type Problem, useOpening } from "../dock/opening";
import { text } from "../text";
import { sentence } from "../texts/sentences";
import type { Refusal } from "../wire/errors";
import { Prose } from "./Prose";

export function ProblemDialog() {
  const { problem } = useOpening();
  const [shown, setShown] = useState<Problem | null>(problem);
  useEffect(() => {
    if (problem) setShown(problem);
  }, [problem]);
  return (
    <Modal
      opened={problem !== null}
      onClose={opening.dismiss}
      title={text.problem.title}
      closeButtonProps={{ "aria-label": text.close }}
    >
      {shown && (
        <div className="problem">
          <p className="mono">{shown.target}</p>
          <FailureText failure={shown.failure} />
          <Group justify="flex-end" mt="md">
            <Button onClick={opening.dismiss} data-autofocus>
              {text.close}
            </Button>
          </Group>
        </div>
      )}
    </Modal>
  );
}

/** Why a call failed: who refused it, or that the gateway does not answer. */
export function FailureText({ failure }: { failure: ApiFailure }) {
  if (failure.refusal) return <RefusalText refusal={failure.refusal} />;
  return (
    <>
      <p>{failure.unreachable ? text.problem.unreachable : text.problem.unknown(failure.status)}</p>
      <p className="dim">{text.problem.unreachableNext}</p>
    </>
  );
}

export function RefusalText({ refusal }: { refusal: Refusal }) {
  return (
    <>
      <p className="refusal">{sentence(refusal.message)}</p>
      <p className="dim">{text.problem.refusedBy(text.problem.by[refusal.refused_by] ?? refusal.refused_by)}</p>
      <Events refusal={refusal} />
      {refusal.next_step && (
        <p>
          <strong>{text.problem.next}: </strong>
          <Prose>{refusal.next_step}</Prose>
        </p>
      )}
    </>
  );
}

/** The last events of what did not start, where there are any. */
function Events({ refusal: { details } }: { refusal: Refusal }) {
  const { events } = details;
  if (typeof events === "string" || !events?.length) return null;
  return (
    <div className="refusal-events">
      <p className="dim">{text.problem.events}</p>
      <ul className="mono">
        {events.map((event, index) => (
          <li key={`${index} ${event}`}>{event}</li>
        ))}
      </ul>
    </div>
  );
}
