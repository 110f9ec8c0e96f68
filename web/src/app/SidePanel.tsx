/**
 * Something of a list, closely, at the right over it. Not modal: the list and the shells stay in reach. Escape closes it, and the focus
 * goes back to where it came from.
 */

import { ActionIcon } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { text } from "../text";
import { Icon } from "./icons";

interface Props {
  title: string;
  /** Under the title: where it is. */
  place: ReactNode;
  actions?: ReactNode;
  onClose(): void;
  children: ReactNode;
}

export function SidePanel({ title, place, actions, onClose, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <aside
      className="side-panel"
      aria-labelledby="side-title"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.stopPropagation();
        onClose();
      }}
    >
      <header className="side-head">
        <div className="side-titles">
          <h2 id="side-title" ref={heading} tabIndex={-1} className="cut" title={title}>
            {title}
          </h2>
          <p className="dim">{place}</p>
        </div>
        {actions}
        <ActionIcon variant="subtle" color="gray" aria-label={text.close} onClick={onClose}>
          <Icon name="close" size={16} />
        </ActionIcon>
      </header>
      {children}
    </aside>
  );
}
