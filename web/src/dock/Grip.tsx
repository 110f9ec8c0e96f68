/** The edge of the dock: drag it, or use the arrow keys, to share the page between what is beside it and the terminals. */

import { useRef } from "react";
import { text } from "../text";
import { LARGEST_SHARE, SMALLEST_SHARE } from "./kept";

const STEP = 0.05;

export function Grip({ vertical, share, onShare }: { vertical: boolean; share: number; onShare(share: number): void }) {
  const grip = useRef<HTMLDivElement>(null);
  const move = (event: React.PointerEvent): void => {
    const room = grip.current?.closest(".dock-frame")?.getBoundingClientRect();
    if (!room || !grip.current?.hasPointerCapture(event.pointerId)) return;
    onShare(vertical ? (room.right - event.clientX) / room.width : (room.bottom - event.clientY) / room.height);
  };
  const [more, less] = vertical ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  return (
    <div
      ref={grip}
      className={`dock-grip${vertical ? " dock-grip-vertical" : ""}`}
      role="separator"
      aria-orientation={vertical ? "vertical" : "horizontal"}
      aria-label={text.dock.resize}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={SMALLEST_SHARE * 100}
      aria-valuemax={LARGEST_SHARE * 100}
      tabIndex={0}
      onPointerDown={(event) => grip.current?.setPointerCapture(event.pointerId)}
      onPointerMove={move}
      onKeyDown={(event) => {
        const step = event.key === more ? STEP : event.key === less ? -STEP : 0;
        if (step === 0) return;
        event.preventDefault();
        onShare(share + step);
      }}
    />
  );
}
