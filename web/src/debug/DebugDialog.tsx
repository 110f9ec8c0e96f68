/**
 * The form for debug and node shells: what the shell may do, and beside it what that would make, as the cluster's agent says it.
 *
 * Opens nothing that would be refused. The root of a lazy chunk.
 */

import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { type ApiFailure, fetchPod } from "../api/client";
import { type OpenSessionBody, podOf } from "../api/types";
import { ClusterName } from "../clusters/ClusterName";
import { opening } from "../dock/opening";
import { Explained } from "../pods/Explained";
import { text } from "../text";
import { Advanced } from "./Advanced";
import { bodyOf, capabilityProblem, type Choices, choicesOf, onWindows } from "./choices";
import "./debug.css";
import { type Asked, debugForm, type ToolsTarget } from "./form";
import { type Planned, usePlan } from "./plan";
import { PlanView } from "./PlanView";
import { Profiles } from "./Profiles";

const words = text.debug;

export default function DebugDialog({ asked }: { asked: Asked }) {
  const phone = useMediaQuery("(max-width: 720px)") ?? false;
  const { target } = asked;
  return (
    <Modal
      opened
      onClose={debugForm.cancel}
      // After opening the focus belongs to the terminal; given up, the form gives it back itself.
      returnFocus={false}
      fullScreen={phone}
      title={target.kind === "node" ? words.titles.node(target.node) : words.titles.debug(target.pod)}
      closeButtonProps={{ "aria-label": text.close }}
      size={1000}
      classNames={{ content: "debug-dialog" }}
    >
      <Form asked={asked} />
    </Modal>
  );
}

function Form({ asked }: { asked: Asked }) {
  const { target } = asked;
  const [choices, setChoices] = useState<Choices>(() => choicesOf(asked.options, asked.reason, asked.command));
  const change = (part: Partial<Choices>): void => setChoices((before) => ({ ...before, ...part }));
  const windows = onWindows(target, choices);
  const problem = windows ? "" : capabilityProblem(choices.capabilities);
  const body = useMemo(() => bodyOf(target, choices), [target, choices]);
  const planned = usePlan(problem ? null : body);
  const opened = useOpened(asked, body, planned, problem);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    opened.press();
  };
  return (
    <form className="debug-form" onSubmit={submit} noValidate>
      <div className="debug-choices">
        <p className="dim">
          <ClusterName name={target.cluster} whole /> {target.kind === "debug" && <>· {target.namespace}</>}
        </p>
        <p>{words.intro[target.kind]}</p>
        <Profiles
          kind={target.kind}
          value={windows ? "" : choices.profile}
          why={windows ? words.linuxOnly : ""}
          onChange={(profile) => change({ profile })}
        />
        {target.kind === "debug" && (
          <TargetChoice target={target} value={choices.target} onChange={(name) => change({ target: name })} />
        )}
        <Advanced target={target} choices={choices} problem={problem} onChange={change} />
        <TextInput
          label={words.reason}
          description={words.reasonText}
          maxLength={500}
          value={choices.reason}
          onChange={(event) => change({ reason: event.currentTarget.value })}
        />
      </div>
      <div className="debug-outcome">
        <PlanView kind={target.kind} planned={planned} problem={problem} failure={opened.failure} />
      </div>
      <footer className="debug-foot">
        <Button variant="default" onClick={debugForm.cancel}>
          {text.cancel}
        </Button>
        <Explained why={opened.why}>
          {({ onClick: _, ...refused }) => (
            <Button type="submit" loading={opened.busy} {...refused}>
              {words.open}
            </Button>
          )}
        </Explained>
      </footer>
    </form>
  );
}

interface Opened {
  /** Why it cannot be opened as it stands; empty: it can, or nobody knows yet. */
  why: string;
  busy: boolean;
  /** Why the last attempt came to nothing. */
  failure: ApiFailure | null;
  press(): void;
}

/** Opening: at once when the plan allows it, or as soon as the plan has come. */
function useOpened(asked: Asked, body: OpenSessionBody, planned: Planned, problem: string): Opened {
  const [pressed, setPressed] = useState(false);
  const [busy, setBusy] = useState(false);
  // Of what stood in the form: a change of it is worth another try.
  const [failed, setFailed] = useState({ failure: asked.failure, of: body });
  const why = problem || (planned.waiting ? "" : refusalOf(planned));
  useEffect(() => {
    if (!pressed || planned.waiting) return;
    setPressed(false);
    if (why) return;
    setBusy(true);
    void opening.openTools(body, debugForm.close, asked.then).then((failure) => {
      setBusy(false);
      setFailed({ failure, of: body });
    });
  }, [pressed, planned.waiting, why, body, asked]);
  const failure = failed.of === body ? failed.failure : null;
  return { why, busy: busy || pressed, failure, press: () => !busy && !why && setPressed(true) };
}

function refusalOf({ plan, failure }: Planned): string {
  if (failure) return failure.refusal ? words.why(failure.refusal.message) : words.failed;
  return plan?.refusal ? words.why(plan.refusal.message) : "";
}

interface TargetProps {
  target: ToolsTarget & { kind: "debug" };
  value: string;
  onChange(name: string): void;
}

/** The containers of the pod that run now; one that was asked for is among them in any case. */
function TargetChoice({ target: { cluster, namespace, pod: name }, value, onChange }: TargetProps) {
  const pod = useQuery({
    queryKey: ["pod", cluster, namespace, name],
    queryFn: () => fetchPod(cluster, namespace, name),
    staleTime: 0,
    gcTime: 0,
  });
  const running = pod.data
    ? podOf(pod.data, cluster)
        .containers.filter(({ state, role }) => state === "running" && role !== "ephemeral")
        .map((container) => container.name)
    : [];
  const names = value && !running.includes(value) ? [value, ...running] : running;
  return (
    <NativeSelect
      size="xs"
      label={words.target}
      description={pod.isError ? words.noContainers : words.targetText}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      data={[{ value: "", label: words.noTarget }, ...names.map((each) => ({ value: each, label: each }))]}
    />
  );
}
