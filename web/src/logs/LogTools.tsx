/** What can be done with a log that is shown: search, times, wrapping, download. */

import { ActionIcon, Checkbox, CloseButton, TextInput, Tooltip } from "@mantine/core";
import { type KeyboardEvent, useState } from "react";
import { type LogWanted, live } from "../api/live";
import { Icon, type IconName } from "../app/icons";
import { RefusalText } from "../app/ProblemDialog";
import { text } from "../text";
import type { Refusal } from "../wire/errors";
import { downloadLog, saveFile } from "./download";
import type { Looks } from "./LogPanel";
import type { LogView } from "./reading";

const words = text.logs;

interface Props {
  view: LogView;
  looks: Looks;
  onLooks(part: Partial<Looks>): void;
  /** The number of the line of the match that is shown. */
  at: number | null;
  onAt(line: number | null): void;
  wanted: LogWanted;
  file: string;
}

export function LogTools({ view, looks, onLooks, at, onAt, wanted, file }: Props) {
  const { matches } = view.lines;
  const place = at === null ? -1 : matches.indexOf(at);
  const step = (by: number): void => {
    if (matches.length === 0) return;
    const from = place < 0 ? (by > 0 ? -1 : matches.length) : place;
    onAt(matches[(from + by + matches.length) % matches.length] ?? null);
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && looks.search) onLooks({ search: "" });
    else return;
    event.preventDefault();
  };
  return (
    <div className="log-tools">
      <TextInput
        className="log-search"
        aria-label={words.search}
        placeholder={words.search}
        value={looks.search}
        leftSection={<Icon name="search" size={14} />}
        rightSection={
          looks.search && (
            <CloseButton size="xs" aria-label={text.clearSearch} onClick={() => onLooks({ search: "" })} />
          )
        }
        onChange={(event) => onLooks({ search: event.currentTarget.value })}
        onKeyDown={press}
      />
      {looks.search && (
        <>
          <span className="dim number" role="status">
            {words.found(place + 1, matches.length)}
          </span>
          <Tool icon="up" label={words.previousMatch} onClick={() => step(-1)} />
          <Tool icon="down" label={words.next} onClick={() => step(1)} />
          <Checkbox
            size="xs"
            label={words.only}
            checked={looks.only}
            onChange={(event) => onLooks({ only: event.currentTarget.checked })}
          />
        </>
      )}
      <span className="log-looks">
        <Checkbox
          size="xs"
          label={words.timestamps}
          checked={looks.times}
          onChange={(event) => onLooks({ times: event.currentTarget.checked })}
        />
        <Checkbox
          size="xs"
          label={words.wrap}
          checked={looks.wrap}
          onChange={(event) => onLooks({ wrap: event.currentTarget.checked })}
        />
        <Download wanted={wanted} file={file} />
      </span>
    </div>
  );
}

function Tool({ icon, label, onClick }: { icon: IconName; label: string; onClick(): void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        <Icon name={icon} size={14} />
      </ActionIcon>
    </Tooltip>
  );
}

function Download({ wanted, file }: { wanted: LogWanted; file: string }) {
  const [progress, setProgress] = useState<number | null>(null);
  const [note, setNote] = useState<{ text: string; refusal: Refusal | null } | null>(null);
  const start = async (): Promise<void> => {
    setProgress(0);
    setNote(null);
    try {
      const { parts, bytes, cut } = await downloadLog(
        wanted,
        (what, reader) => live.openLog(what, reader),
        setProgress,
      );
      saveFile(file, parts);
      if (cut) setNote({ text: words.downloadCut(text.size(bytes)), refusal: null });
    } catch (refusal) {
      setNote({ text: words.downloadFailed, refusal: refusal as Refusal | null });
    } finally {
      setProgress(null);
    }
  };
  return (
    <>
      {progress !== null && (
        <span className="dim number" role="status">
          {words.downloading(text.size(progress))}
        </span>
      )}
      <Tool icon="download" label={words.download} onClick={() => void (progress === null && start())} />
      {note && (
        <div className="notice log-note" role="alert">
          <div>
            <strong>{note.text}</strong>
            {note.refusal && <RefusalText refusal={note.refusal} />}
          </div>
          <CloseButton size="sm" aria-label={text.terminal.dismiss} onClick={() => setNote(null)} />
        </div>
      )}
    </>
  );
}
