/** The facts and events of a pod as text that can be copied. */

import { Button, Group, Modal } from "@mantine/core";
import { useState } from "react";
import type { Pod } from "../api/types";
import { RefusalText } from "../app/ProblemDialog";
import { usePod, usePodEvents } from "../pods/rows";
import { text } from "../text";
import { describe } from "./description";
import { newestFirst } from "./EventList";

const words = text.drawer.describing;

export default function DescribeDialog({ pod, onClose }: { pod: Pod; onClose(): void }) {
  const { pod: details, complete, refusal } = usePod(pod);
  const { rows: events } = usePodEvents(pod);
  const [copied, setCopied] = useState(false);
  const written = details ? describe(details, newestFirst(events)) : "";
  return (
    <Modal
      opened
      onClose={onClose}
      title={words.title(pod.name)}
      size="xl"
      closeButtonProps={{ "aria-label": text.close }}
    >
      <p className="dim">{words.text}</p>
      {refusal ? (
        <RefusalText refusal={refusal} />
      ) : (
        <pre className="description" tabIndex={0} aria-label={words.title(pod.name)}>
          {written || (complete ? text.drawer.notFound : text.drawer.loading)}
        </pre>
      )}
      <Group justify="flex-end" mt="sm">
        <Button
          variant="default"
          disabled={!written}
          onClick={() => void navigator.clipboard?.writeText(written).then(() => setCopied(true))}
        >
          {copied ? text.copied : text.copy}
        </Button>
        <Button onClick={onClose} data-autofocus>
          {text.close}
        </Button>
      </Group>
    </Modal>
  );
}
