/**
 * Keys that are not typed on a keyboard of their own: what the key bar and the page's own commands send, and modifiers that stick.
 *
 * Pure. Codes as xterm sends them (xterm ctlseqs, "PC-Style Function Keys"): modified cursor keys are CSI 1;N with N = 1 + Shift 1 +
 * Alt 2 + Ctrl 4; unmodified ones depend on the cursor key mode.
 */

export type BarKey = "escape" | "tab" | "up" | "down" | "left" | "right" | "home" | "end" | "|" | "/" | "-" | "~";

export interface Modifiers {
  ctrl: boolean;
  alt: boolean;
}

const CURSOR: Partial<Record<BarKey, string>> = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" };

/** Write what the terminal sends for a key of the bar. `application`: the program has asked for application cursor keys (DECCKM). */
export function encodeKey(key: BarKey, modifiers: Modifiers, application: boolean): string {
  const cursor = CURSOR[key];
  if (cursor) {
    const modifier = 1 + (modifiers.alt ? 2 : 0) + (modifiers.ctrl ? 4 : 0);
    if (modifier > 1) return `\x1b[1;${modifier}${cursor}`;
    return `\x1b${application ? "O" : "["}${cursor}`;
  }
  if (key === "escape") return modifiers.alt ? "\x1b\x1b" : "\x1b";
  if (key === "tab") return modifiers.alt ? "\x1b\t" : "\t";
  return withModifiers(key, modifiers);
}

/** Apply Ctrl and Alt to one typed character, as a keyboard would; what has no such form passes as it is. */
export function withModifiers(data: string, { ctrl, alt }: Modifiers): string {
  if (Array.from(data).length !== 1) return data;
  const typed = ctrl ? controlOf(data) : data;
  return alt ? `\x1b${typed}` : typed;
}

/** The control character of a key: C0 is the key's code without its upper bits (ECMA-48); digits as xterm maps them. */
function controlOf(char: string): string {
  const code = char.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code & 0x1f);
  const others: Record<string, string> = {
    " ": "\x00",
    "2": "\x00",
    "3": "\x1b",
    "4": "\x1c",
    "5": "\x1d",
    "6": "\x1e",
    "7": "\x1f",
    "/": "\x1f",
    "-": "\x1f",
    "8": "\x7f",
    "?": "\x7f",
  };
  return others[char] ?? char;
}

export type Stick = "off" | "once" | "held";

/** Ctrl and Alt of the key bar: a tap holds for the next key, a second tap until tapped again. */
export class StickyModifiers {
  ctrl: Stick = "off";
  alt: Stick = "off";
  private readonly listeners = new Set<() => void>();

  tap(name: "ctrl" | "alt"): void {
    const next: Record<Stick, Stick> = { off: "once", once: "held", held: "off" };
    this[name] = next[this[name]];
    this.announce();
  }

  /** The modifiers of the key that comes now; those that hold for one key are used up. */
  take(): Modifiers {
    const modifiers = { ctrl: this.ctrl !== "off", alt: this.alt !== "off" };
    if (this.ctrl === "once" || this.alt === "once") {
      if (this.ctrl === "once") this.ctrl = "off";
      if (this.alt === "once") this.alt = "off";
      this.announce();
    }
    return modifiers;
  }

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** One value that changes with either, for components. */
  readonly summary = (): string => `${this.ctrl} ${this.alt}`;

  private announce(): void {
    for (const listener of this.listeners) listener();
  }
}

/** The bar's modifiers: one pair for the page, as a keyboard has. */
export const sticky = new StickyModifiers();
