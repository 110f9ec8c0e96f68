/** Deleting a pod: what will happen first, then one clear button; a refusal is explained in the same place. */

import { Button, Group, Modal, Radio, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { ApiFailure, deletePod } from "../api/client";
import { useRows } from "../api/rows";
import type { Pod } from "../api/types";
import { Icon } from "../app/icons";
import { FailureText } from "../app/ProblemDialog";
import { ClusterName } from "../clusters/ClusterName";
import { sessionRows } from "../sessions/rows";
import { text } from "../text";
import { podDialogs } from "./actions";
import { returnText } from "./returns";
import { usePod } from "./rows";
import { StatusMark, podTone } from "./status";

const words = text.pods.deleting;
const ALL = [""];

export function DeleteDialog({ pod }: { pod: Pod | null }) {
  return (
    <Modal
      opened={pod !== null}
      onClose={podDialogs.close}
      title={words.title}
      closeButtonProps={{ "aria-label": text.close }}
    >
      {pod && <Deletion key={pod.key} pod={pod} />}
    </Modal>
  );
}

function Deletion({ pod }: { pod: Pod }) {
  const [reason, setReason] = useState("");
  const [now, setNow] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const { pod: details } = usePod(pod);
  const shells = useShellsIn(pod);

  const confirm = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      // The uid holds the deletion to this very pod: one that has taken its name meanwhile is left alone.
      await deletePod({ ...pod, uid: pod.uid }, now ? 0 : null, reason.trim());
      podDialogs.close();
    } catch (error) {
      setFailure(error instanceof ApiFailure ? error : new ApiFailure(0, null, null));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Stack gap="sm" className="deletion">
      <div className="deletion-target">
        <strong className="mono">{pod.name}</strong>
        <StatusMark tone={podTone(pod)} label={pod.status} />
        <span className="dim">
          <ClusterName name={pod.cluster} whole /> · {pod.namespace}
        </span>
      </div>
      <ul className="deletion-facts">
        <li>{returnText(pod.owner_kind, pod.owner)}</li>
        {shells > 0 && <li>{words.shells(shells)}</li>}
        {details?.deleted_at && <li>{words.already}</li>}
      </ul>
      <Radio.Group
        label={words.grace}
        value={now ? "now" : "default"}
        onChange={(value) => setNow(value === "now")}
        size="xs"
      >
        <Stack gap={6} mt={6}>
          <Radio value="default" label={words.graceDefault(details?.grace_seconds ?? null)} />
          <Radio value="now" label={words.graceNow} {...(now ? { description: words.graceNowText } : {})} />
        </Stack>
      </Radio.Group>
      <TextInput
        label={words.reason}
        value={reason}
        maxLength={1024}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {failure && (
        <div className="notice deletion-refused" role="alert">
          <Icon name="warning" size={14} />
          <div>
            <strong>{words.refused}</strong>
            <FailureText failure={failure} />
          </div>
        </div>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={podDialogs.close} data-autofocus>
          {text.cancel}
        </Button>
        <Button
          color="red.9"
          loading={busy}
          onClick={() => void confirm()}
          leftSection={<Icon name="delete" size={14} />}
        >
          <span className="cut">{words.what(pod.name)}</span>
        </Button>
      </Group>
    </Stack>
  );
}

/** How many shells of this user are open in the pod, in this page or elsewhere. */
function useShellsIn(pod: Pod): number {
  return useRows(sessionRows, ALL).rows.filter(
    (session) =>
      session.state !== "ended" &&
      session.cluster === pod.cluster &&
      session.namespace === pod.namespace &&
      session.pod === pod.name,
  ).length;
}
