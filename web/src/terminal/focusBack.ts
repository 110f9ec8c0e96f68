/** The focus after a dialog over a terminal: what opened it, a key, a line of a menu or of the palette, is gone by then. */

import { type RefObject, useEffect, useLayoutEffect } from "react";
import { dock } from "../dock/dock";
import { focus } from "./actions";

function focusFront(): void {
  const { active } = dock.getState();
  if (active && document.activeElement === document.body) focus(active);
}

/** Give the focus back to the terminal in front when the dialog closes and nothing else has it. */
export function useFocusBack(): void {
  useEffect(() => () => void setTimeout(focusFront), []);
}

/** The same for what goes by itself, too: only when the focus was in it. */
export function useFocusFrom(place: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const element = place.current;
    // On the way out it is still in the document.
    return () => {
      if (element?.contains(document.activeElement)) setTimeout(focusFront);
    };
  }, [place]);
}
