/** A control that stays in its place when it cannot be used now, and says why: on hover, on focus, and to a screen reader. */

import { Tooltip } from "@mantine/core";
import { type MouseEvent, type ReactElement, useId } from "react";

export interface RefusedProps {
  "aria-disabled"?: true;
  "aria-describedby"?: string;
  "data-disabled"?: true;
  onClick?: (event: MouseEvent) => void;
}

/** `children` makes the control of what it gets while `why` is not empty: nothing that it does happens then. */
export function Explained({ why, children }: { why: string; children(refused: RefusedProps): ReactElement }) {
  const id = useId();
  if (!why) return children({});
  const control = children({
    "aria-disabled": true,
    "aria-describedby": id,
    "data-disabled": true,
    onClick: (event) => event.preventDefault(),
  });
  return (
    <>
      <Tooltip label={why} position="bottom" events={{ hover: true, focus: true, touch: true }}>
        {control}
      </Tooltip>
      <span id={id} className="sr-only">
        {why}
      </span>
    </>
  );
}
