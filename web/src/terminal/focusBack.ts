/** The focus after a dialog over a terminal: what opened it, a key, a line of a menu or of the palette, is gone by then. */

import { useEffect } from "react";
import { dock } from "../dock/dock";
import { focus } from "./actions";

/** Give the focus back to the terminal in front when the dialog closes and nothing else has it. */
export function useFocusBack(): void {
  useEffect(
    () => () =>
      void setTimeout(() => {
        const { active } = dock.getState();
        if (active && document.activeElement === document.body) focus(active);
      }),
    [],
  );
}
