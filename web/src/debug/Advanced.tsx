/** Single options, for those who know what they want beyond a profile. Open from the start when one of them is chosen already. */

import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { text } from "../text";
import { advancedCount, type Choices, type PullPolicy, SWITCHES, type Switch } from "./choices";
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
  return (
    <details className="debug-advanced" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {words.advanced}
        {count > 0 && <span className="tag number">{words.chosen(count)}</span>}
      </summary>
      <div className="debug-options">
        <TextInput
          label={words.capabilities}
          description={words.capabilitiesText}
          error={problem}
          spellCheck={false}
          autoCapitalize="off"
          value={choices.capabilities}
          onChange={(event) => onChange({ capabilities: event.currentTarget.value })}
        />
        <TextInput
          label={words.image}
          description={words.imageText}
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
        {target.kind === "node" && <Switches choices={choices} onChange={onChange} />}
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

function Switches({ choices: { switches }, onChange }: Pick<Props, "choices" | "onChange">) {
  const set = (name: Switch, on: boolean): void => onChange({ switches: { ...switches, [name]: on } });
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
            description={description}
            checked={switches[name]}
            onChange={(event) => set(name, event.currentTarget.checked)}
          />
        );
      })}
    </fieldset>
  );
}
