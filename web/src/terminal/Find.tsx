/** Finding text in a terminal's output: Enter goes on, Shift-Enter back, Escape ends. */

import { ActionIcon, CloseButton, TextInput, Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";
import { Icon } from "../app/icons";
import { text } from "../text";
import type { Found, XtermScreen } from "./xtermScreen";

const words = text.terminal.find;

export function Find({ screen, onClose }: { screen: XtermScreen; onClose(): void }) {
  const [wanted, setWanted] = useState("");
  const [caseSensitive, setCaseSensitive] = useState(false);
  const [found, setFound] = useState<Found | null>(null);
  useEffect(() => screen.onFound(setFound), [screen]);
  useEffect(() => () => screen.endFind(), [screen]);
  useEffect(() => {
    screen.find(wanted, caseSensitive, "here");
    if (wanted === "") setFound(null);
  }, [screen, wanted, caseSensitive]);
  const close = (): void => {
    onClose();
    screen.focus();
  };
  return (
    <div className="find" role="search" aria-label={words.label}>
      <TextInput
        autoFocus
        value={wanted}
        aria-label={words.label}
        placeholder={words.label}
        leftSection={<Icon name="search" size={14} />}
        onChange={(event) => setWanted(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") screen.find(wanted, caseSensitive, event.shiftKey ? "previous" : "next");
          else if (event.key === "Escape") close();
        }}
      />
      <span className="find-count number" role="status">
        {found && wanted ? words.found(found.at, found.count) : ""}
      </span>
      <Tooltip label={words.caseSensitive}>
        <ActionIcon
          variant={caseSensitive ? "filled" : "subtle"}
          color={caseSensitive ? "accent" : "gray"}
          aria-label={words.caseSensitive}
          aria-pressed={caseSensitive}
          onClick={() => setCaseSensitive(!caseSensitive)}
        >
          Aa
        </ActionIcon>
      </Tooltip>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={words.previous}
        onClick={() => screen.find(wanted, caseSensitive, "previous")}
      >
        <Icon name="up" size={15} />
      </ActionIcon>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={words.next}
        onClick={() => screen.find(wanted, caseSensitive, "next")}
      >
        <Icon name="down" size={15} />
      </ActionIcon>
      <CloseButton size="sm" aria-label={text.close} onClick={close} />
    </div>
  );
}
