/** The settings of terminals: kept in this browser, in force at once. */

import { NumberInput, Select, SimpleGrid, Switch } from "@mantine/core";
import { useState } from "react";
import { text } from "../text";
import { type Comfort, FONT_SIZES, setComfort, useComfort } from "./comfort";

const words = text.terminal.settings;
const choices = (names: Record<string, string>): { value: string; label: string }[] =>
  Object.entries(names).map(([value, label]) => ({ value, label }));

export default function Settings() {
  const comfort = useComfort();
  return (
    <div className="terminal-settings">
      <p className="dim">{words.kept}</p>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <NumberInput
          size="xs"
          label={words.fontSize}
          value={comfort.fontSize}
          min={FONT_SIZES.smallest}
          max={FONT_SIZES.largest}
          clampBehavior="strict"
          suffix=" px"
          onChange={(size) => typeof size === "number" && setComfort({ fontSize: size })}
        />
        <Select
          label={words.theme}
          data={choices(words.themes)}
          value={comfort.theme}
          allowDeselect={false}
          onChange={(theme) => theme && setComfort({ theme: theme as Comfort["theme"] })}
        />
        <Select
          label={words.keyBar}
          data={choices(words.keyBars)}
          value={comfort.keyBar}
          allowDeselect={false}
          onChange={(keyBar) => keyBar && setComfort({ keyBar: keyBar as Comfort["keyBar"] })}
        />
      </SimpleGrid>
      <Toggle name="copyOnSelect" />
      <Toggle name="cursorBlink" />
      <Toggle name="optionIsMeta" description={words.optionIsMetaText} />
      <Toggle name="screenReader" description={words.screenReaderText} />
      <Toggle name="hints" description={words.hintsText} />
      <Toggle name="guardLeaving" />
      <NotifyToggle />
    </div>
  );
}

type SwitchName = "copyOnSelect" | "cursorBlink" | "optionIsMeta" | "screenReader" | "hints" | "guardLeaving";

function Toggle({ name, description }: { name: SwitchName; description?: string }) {
  const comfort = useComfort();
  return (
    <Switch
      size="xs"
      label={words[name]}
      description={description}
      checked={comfort[name]}
      onChange={(event) => setComfort({ [name]: event.currentTarget.checked })}
    />
  );
}

/** The browser is asked for permission here, on the user's own action, and nowhere else. */
function NotifyToggle() {
  const comfort = useComfort();
  const [denied, setDenied] = useState(false);
  const change = async (on: boolean): Promise<void> => {
    const permission = !on ? "granted" : "Notification" in window ? await Notification.requestPermission() : "denied";
    setDenied(permission !== "granted");
    setComfort({ notify: on && permission === "granted" });
  };
  return (
    <Switch
      size="xs"
      label={words.notify}
      error={denied && words.notifyDenied}
      checked={comfort.notify}
      onChange={(event) => void change(event.currentTarget.checked)}
    />
  );
}
