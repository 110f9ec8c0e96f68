/** Single options, for those who know what they want beyond a profile. Open from the start when one of them is chosen already. */

import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { text } from "../text";
import { advancedCount, type Choices, onWindows, type PullPolicy, SWITCHES, type Switch, type System } from "./choices";
import type { ToolsTarget } from "./form";

const words = text.debug;

interface Props {
  target: ToolsTarget;
  choices: Choices;
  /** What is wrong with the capabilities; empty: nothing. */
  problem: string;
  onChange(part: Partial<Choices>): void;
}

export function Advanced({ target, choices, problem, onChange }: Props) {
  const count = advancedCount(target, choices);
  const [open, setOpen] = useState(count > 0);
  const windows = onWindows(target, choices);
  return (
    <details className="debug-advanced" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {words.advanced}
        {count > 0 && <span className="tag number">{words.chosen(count)}</span>}
      </summary>
      <div className="debug-options">
        {target.kind === "node" && (
          <NativeSelect
            size="xs"
            label={words.system}
            description={windows ? words.windowsText : ""}
            value={choices.system || "linux"}
            onChange={(event) => onChange({ system: event.currentTarget.value as System })}
            data={Object.entries(words.systems).map(([value, label]) => ({ value, label }))}
          />
        )}
        <TextInput
          label={words.capabilities}
          description={windows ? words.linuxOnly : words.capabilitiesText}
          error={problem}
          spellCheck={false}
          autoCapitalize="off"
          value={windows ? "" : choices.capabilities}
          {...refusedOn(windows)}
          readOnly={windows}
          onChange={(event) => onChange({ capabilities: event.currentTarget.value })}
        />
        <TextInput
          label={words.image}
          description={windows ? words.windowsImageText : words.imageText}
          maxLength={512}
          spellCheck={false}
          autoCapitalize="off"
          value={choices.image}
          onChange={(event) => onChange({ image: event.currentTarget.value })}
        />
        <div className="debug-pair">
          <NativeSelect
            size="xs"
            label={words.pullPolicy}
            value={choices.pullPolicy}
            onChange={(event) => onChange({ pullPolicy: event.currentTarget.value as PullPolicy })}
            data={Object.entries(words.pullPolicies).map(([value, label]) => ({ value, label }))}
          />
          <NativeSelect
            size="xs"
            label={words.life}
            value={choices.life}
            onChange={(event) => onChange({ life: event.currentTarget.value })}
            data={livesWith(choices.life)}
          />
        </div>
        {target.kind === "node" && <Switches choices={choices} windows={windows} onChange={onChange} />}
      </div>
    </details>
  );
}

function livesWith(life: string): { value: string; label: string }[] {
  const lives = life in words.lives ? words.lives : { ...words.lives, [life]: words.lifeOf(Number(life)) };
  // A number among the keys would come before the empty one.
  return Object.entries(lives)
    .map(([value, label]) => ({ value, label }))
    .sort((one, other) => Number(one.value) - Number(other.value));
}

/** What marks a control that stays in its place and does nothing there; its description says why. */
function refusedOn(windows: boolean): { "aria-disabled"?: true; "data-refused"?: true } {
  return windows ? { "aria-disabled": true, "data-refused": true } : {};
}

function Switches({
  choices: { switches },
  windows,
  onChange,
}: Pick<Props, "choices" | "onChange"> & { windows: boolean }) {
  const set = (name: Switch, on: boolean): void => {
    if (!windows) onChange({ switches: { ...switches, [name]: on } });
  };
  return (
    <fieldset className="debug-switches">
      <legend>{words.switchesLabel}</legend>
      {SWITCHES.map((name) => {
        const [label, description] = words.switches[name] ?? [name, ""];
        return (
          <Checkbox
            key={name}
            size="xs"
            label={label}
            description={windows ? words.linuxOnly : description}
            checked={!windows && switches[name]}
            {...refusedOn(windows)}
            onChange={(event) => set(name, event.currentTarget.checked)}
          />
        );
      })}
    </fieldset>
  );
}
