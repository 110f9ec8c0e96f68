/**
 * Something of a list, closely, at the right over it. Not modal: the list and the shells stay in reach. On a phone it covers everything,
 * and the focus stays inside. Escape closes it, and the focus goes back to where it came from.
 */

import { ActionIcon, FocusTrap } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";
import { useDock } from "../dock/useDock";
import { text } from "../text";
import { Icon } from "./icons";

interface Props {
  title: string;
  /** Beside the title: how it is. */
  mark?: ReactNode;
  /** Under the title: where it is. */
  place: ReactNode;
  actions?: ReactNode;
  onClose(): void;
  children: ReactNode;
}

export function SidePanel({ title, mark, place, actions, onClose, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const phone = useMediaQuery("(max-width: 720px)") ?? false;
  const { shown } = useDock();
  // A shell that is in front keeps its place also on a phone.
  const covering = phone && shown.length === 0;
  useFocusInside(heading);
  const press = (event: KeyboardEvent): void => {
    // Menus and dialogs of the panel close themselves first; they are not inside of its element.
    if (event.key !== "Escape" || event.defaultPrevented || !event.currentTarget.contains(event.target as Node)) return;
    event.stopPropagation();
    onClose();
  };
  return (
    <FocusTrap active={covering}>
      {/* One element in both roles: what is in it stays as it is when a phone is turned, or a shell comes to the front. */}
      <div
        className={`side-panel${covering ? " covering" : ""}`}
        {...(covering ? { role: "dialog", "aria-modal": true } : { role: "complementary" })}
        aria-labelledby="side-title"
        onKeyDown={press}
      >
        <header className="side-head">
          <div className="side-titles">
            <h2 id="side-title" ref={heading} tabIndex={-1} title={title} data-autofocus>
              <span className="cut">{title}</span>
              {mark}
            </h2>
            <div className="side-place dim">{place}</div>
          </div>
          {actions && <div className="side-actions">{actions}</div>}
          <ActionIcon variant="subtle" color="gray" aria-label={text.close} onClick={onClose}>
            <Icon name="close" size={16} />
          </ActionIcon>
        </header>
        {children}
      </div>
    </FocusTrap>
  );
}

/** The focus goes in, and comes back when the panel closes: to what had it, or to its row, which may have been drawn anew meanwhile. */
function useFocusInside(heading: React.RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const before = document.activeElement;
    const key = before?.closest<HTMLElement>("[data-key]")?.dataset.key;
    // A dialog that is open already has it: a link opens a form, and the page with its panel comes behind that, maybe later.
    if (!document.querySelector("[aria-modal=true]:not(.side-panel)")) heading.current?.focus({ preventScroll: true });
    return () => {
      const row = key ? document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"] .row-link`) : null;
      const place = before instanceof HTMLElement && before.isConnected ? before : row;
      place?.focus({ preventScroll: true });
    };
  }, [heading]);
}
