/** How a cluster joins: a name, what marks it, a one-time token, and the command that starts its agent. */

import { Button, Code, Group, Modal, Select, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiFailure, enrolCluster } from "../api/client";
import type { Enrolment } from "../api/types";
import { FailureText } from "../app/ProblemDialog";
import { text } from "../text";

const words = text.clusters;
/** What the gateway accepts as a name (gateway/models.py, ClusterLabel). */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$/;

export function AddCluster({ onClose }: { onClose(): void }) {
  const [name, setName] = useState("");
  const [label, setLabel] = useState("");
  const [colour, setColour] = useState("");
  const enrolment = useMutation({ mutationFn: enrolCluster });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (NAME.test(name)) enrolment.mutate({ name, label, colour });
  };
  return (
    <Modal opened onClose={onClose} title={words.add} closeButtonProps={{ "aria-label": text.close }} size="lg">
      {enrolment.data ? (
        <Joining enrolment={enrolment.data} />
      ) : (
        <form onSubmit={submit} className="form">
          <p className="dim">{words.addText}</p>
          <TextInput
            data-autofocus
            required
            label={words.name}
            description={words.nameRule}
            value={name}
            error={name !== "" && !NAME.test(name) && words.nameRule}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={words.ownLabel}
            description={words.ownLabelText}
            maxLength={64}
            value={label}
            onChange={(event) => setLabel(event.currentTarget.value)}
          />
          <Select
            label={words.colour}
            data={Object.entries(words.colours).map(([value, title]) => ({ value: value || "-", label: title }))}
            value={colour || "-"}
            allowDeselect={false}
            onChange={(value) => setColour(value === "-" ? "" : (value ?? ""))}
          />
          {enrolment.error instanceof ApiFailure && (
            <div role="alert" className="problem">
              <FailureText failure={enrolment.error} />
            </div>
          )}
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={onClose}>
              {text.cancel}
            </Button>
            <Button type="submit" loading={enrolment.isPending} disabled={!NAME.test(name)}>
              {words.makeToken}
            </Button>
          </Group>
        </form>
      )}
    </Modal>
  );
}

function Joining({ enrolment }: { enrolment: Enrolment }) {
  const command = [
    "podshell agent",
    `--cluster ${enrolment.cluster}`,
    `--gateway-urls ${window.location.origin}`,
    "--enrolment-token-file FILE",
    "--ceiling-pod-exec",
  ].join(" ");
  return (
    <div className="form">
      <p>{words.tokenText(enrolment.cluster)}</p>
      <Secret label={words.token} value={enrolment.token} />
      <p className="dim">{words.expires(new Date(enrolment.expires_at).toLocaleTimeString())}</p>
      <Secret label={words.command} value={command} />
    </div>
  );
}

function Secret({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <strong>{label}</strong>
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}
        >
          {copied ? text.copied : text.copy}
        </Button>
      </Group>
      <Code block className="wrapping">
        {value}
      </Code>
    </div>
  );
}
