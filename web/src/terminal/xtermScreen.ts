/**
 * The terminal emulator: xterm.js with what we load into it, as a Screen.
 *
 * Owns one DOM element that is moved between places (`mount`, `unmount`) without losing its content. The clipboard addon is not loaded:
 * programs can neither read nor write the clipboard; a write is a request that the user answers.
 */

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { SerializeAddon } from "@xterm/addon-serialize";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { text } from "../text";
import type { Comfort } from "./comfort";
import { sticky, withModifiers } from "./keys";
import type { Screen } from "./ports";
import { SCHEMES, type SchemeName } from "./themes";

const SCROLLBACK_LINES = 5_000;
const OSC_CLIPBOARD = 52;
/** How long a blinking cursor is shown, and how long it is not. */
const BLINK_MS = 500;
export const FONT =
  'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

/** Colours of what was found: any place, and the one that is shown now. */
const FOUND = {
  dark: { matchBackground: "#5c4a12", activeMatchBackground: "#a67c00" },
  light: { matchBackground: "#f5e3a8", activeMatchBackground: "#ffc53d" },
};

export interface Found {
  /** Which one is shown, from 1; 0: none, or too many to count. */
  at: number;
  count: number;
}

export class XtermScreen implements Screen {
  readonly terminal: Terminal;
  readonly element = document.createElement("div");
  private readonly fit = new FitAddon();
  private readonly serializer = new SerializeAddon();
  private readonly search = new SearchAddon();
  private scheme: SchemeName = "dark";
  private foundCase = false;
  private comfort: Comfort;
  private webgl: WebglAddon | null = null;
  private opened = false;
  private blinking = 0;
  private cursorHidden = false;
  private clipboardListener: (payload: string) => void = () => {};
  private linkListener: (url: string) => void = () => {};
  private pasteListener: (pasted: string) => void = () => {};
  private readonly observer = new ResizeObserver(() => this.refit());

  constructor(sessionId: string, label: string, comfort: Comfort, scheme: SchemeName) {
    this.comfort = comfort;
    this.element.className = "terminal-host";
    this.element.dataset.session = sessionId;
    this.terminal = new Terminal({
      allowProposedApi: true, // the unicode service of the graphemes addon, and marking what was found
      scrollback: SCROLLBACK_LINES,
      fontFamily: FONT,
      cursorInactiveStyle: "outline",
      minimumContrastRatio: 4.5,
      rightClickSelectsWord: false,
      linkHandler: { activate: (_event, url) => this.linkListener(url), allowNonHttpProtocols: false },
    });
    this.follow(comfort, scheme);
    this.terminal.loadAddon(this.fit);
    this.terminal.loadAddon(this.serializer);
    this.terminal.loadAddon(this.search);
    this.terminal.loadAddon(new UnicodeGraphemesAddon());
    this.terminal.loadAddon(new WebLinksAddon((_event, url) => this.linkListener(url)));
    this.terminal.parser.registerOscHandler(OSC_CLIPBOARD, (payload) => {
      this.clipboardListener(payload);
      return true;
    });
    this.element.addEventListener("paste", (event) => this.interceptPaste(event), true);
    this.element.addEventListener("mouseup", () => this.copyOnSelect());
    // For tests and the browser's developer tools: the emulator behind an element.
    Object.assign(this.element, { screen: this });
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
  }

  get cols(): number {
    return this.terminal.cols;
  }

  get rows(): number {
    return this.terminal.rows;
  }

  get bracketedPaste(): boolean {
    return this.terminal.modes.bracketedPasteMode;
  }

  get fullScreen(): boolean {
    return this.terminal.buffer.active.type === "alternate";
  }

  write(data: Uint8Array | string, done?: () => void): void {
    this.terminal.write(data, done);
  }

  onData(listener: (data: string) => void): void {
    // One character is a key; more are a paste or a reply of the terminal, and no business of the key bar's Ctrl and Alt.
    this.terminal.onData((data) => listener(Array.from(data).length === 1 ? withModifiers(data, sticky.take()) : data));
  }

  onBinary(listener: (data: string) => void): void {
    this.terminal.onBinary(listener);
  }

  onResize(listener: (cols: number, rows: number) => void): void {
    this.terminal.onResize(({ cols, rows }) => listener(cols, rows));
  }

  onTitle(listener: (title: string) => void): void {
    this.terminal.onTitleChange(listener);
  }

  onClipboardRequest(listener: (payload: string) => void): void {
    this.clipboardListener = listener;
  }

  onLink(listener: (url: string) => void): void {
    this.linkListener = listener;
  }

  /** Run `paste` for pasted text instead of xterm's own handling, which knows no questions. */
  onPaste(paste: (pasted: string) => void): void {
    this.pasteListener = paste;
  }

  private interceptPaste(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopImmediatePropagation();
    this.pasteListener(event.clipboardData?.getData("text/plain") ?? "");
  }

  resize(cols: number, rows: number): void {
    this.terminal.resize(Math.max(2, cols), Math.max(1, rows));
  }

  paste(pasted: string): void {
    this.terminal.paste(pasted);
  }

  focus(): void {
    this.terminal.focus();
  }

  serialize(scrollback: number): string {
    return this.serializer.serialize({ scrollback });
  }

  /** Look and behave as the user likes it. */
  follow(comfort: Comfort, scheme: SchemeName): void {
    this.comfort = comfort;
    this.scheme = scheme;
    const { options } = this.terminal;
    options.theme = SCHEMES[scheme].colours;
    options.cursorBlink = comfort.cursorBlink && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    options.macOptionIsMeta = comfort.optionIsMeta;
    options.screenReaderMode = comfort.screenReader;
    if (options.fontSize !== comfort.fontSize) {
      options.fontSize = comfort.fontSize;
      this.refit();
    }
  }

  /** Go to the next place of `words`; `onFound` says which of how many. Case counts when told so. */
  find(words: string, caseSensitive: boolean, direction: "next" | "previous" | "here"): void {
    const colours = FOUND[SCHEMES[this.scheme].ground];
    const marks = { matchOverviewRuler: "#a67c00", activeMatchColorOverviewRuler: "#ffc53d" };
    const options = { caseSensitive, decorations: { ...colours, ...marks } };
    // The addon keeps its count for as long as the words stay the same.
    if (caseSensitive !== this.foundCase) this.search.clearDecorations();
    this.foundCase = caseSensitive;
    if (words === "") this.endFind();
    else if (direction === "previous") this.search.findPrevious(words, options);
    else this.search.findNext(words, { ...options, incremental: direction === "here" });
  }

  onFound(listener: (found: Found) => void): () => void {
    const subscription = this.search.onDidChangeResults(({ resultIndex, resultCount }) =>
      listener({ at: resultIndex + 1, count: resultCount }),
    );
    return () => subscription.dispose();
  }

  endFind(): void {
    this.search.clearDecorations();
    this.terminal.clearSelection();
  }

  get selection(): string {
    return this.terminal.getSelection();
  }

  selectAll(): void {
    this.terminal.selectAll();
  }

  /** Take the scrollback and the screen away but for the line with the cursor. The shell knows nothing of it. */
  clear(): void {
    this.terminal.clear();
  }

  /** True while the program has asked for application cursor keys. */
  get applicationCursor(): boolean {
    return this.terminal.modes.applicationCursorKeysMode;
  }

  /** Send what a key of ours stands for, as if it had been typed. */
  send(data: string): void {
    this.terminal.input(data, true);
  }

  /** All lines, scrollback included, joined where the terminal has wrapped them. */
  plainText(): string {
    const buffer = this.terminal.buffer.active;
    const lines: string[] = [];
    for (let at = 0; at < buffer.length; at++) {
      const line = buffer.getLine(at);
      const next = buffer.getLine(at + 1);
      const words = line?.translateToString(!next?.isWrapped) ?? "";
      if (line?.isWrapped && lines.length > 0) lines.push((lines.pop() ?? "") + words);
      else lines.push(words);
    }
    return `${lines.join("\n").trimEnd()}\n`;
  }

  private copyOnSelect(): void {
    // After xterm's own listener on the document has settled what is selected.
    if (this.comfort.copyOnSelect)
      setTimeout(() => this.selection && void navigator.clipboard?.writeText(this.selection));
  }

  /** Show the terminal inside `parent`. */
  mount(parent: HTMLElement): void {
    parent.append(this.element);
    if (!this.opened) {
      this.opened = true;
      this.terminal.open(this.element);
      this.terminal.textarea?.setAttribute("aria-label", text.terminal.input);
      this.terminal.textarea?.setAttribute("aria-description", text.terminal.inputHelp);
      this.drawWithGpu();
    }
    this.observer.observe(this.element);
    clearInterval(this.blinking);
    this.blinking = window.setInterval(() => this.blink(), BLINK_MS);
    this.refit();
  }

  unmount(): void {
    clearInterval(this.blinking);
    this.observer.disconnect();
    this.element.remove();
  }

  dispose(): void {
    this.unmount();
    this.terminal.dispose();
  }

  /**
   * Show or hide a blinking cursor that is part of the document. xterm animates it by CSS, for which the browser draws sixty frames a second
   * (measured: 15 % of a processor for each terminal in sight); a paused animation at its one or other state costs two.
   */
  private blink(): void {
    if (this.webgl) return;
    this.cursorHidden = !this.cursorHidden;
    for (const animation of this.element.getAnimations({ subtree: true })) {
      if (!(animation instanceof CSSAnimation) || !animation.animationName.startsWith("blink_")) continue;
      animation.pause();
      animation.currentTime = this.cursorHidden ? BLINK_MS : 0;
    }
  }

  /** Fit to the element; never to nothing, as a hidden one would have it. */
  refit(): void {
    if (this.element.clientWidth < 20 || this.element.clientHeight < 20) return;
    const size = this.fit.proposeDimensions();
    if (!size || !Number.isFinite(size.cols) || !Number.isFinite(size.rows) || size.cols < 2 || size.rows < 1) return;
    if (size.cols !== this.cols || size.rows !== this.rows) this.terminal.resize(size.cols, size.rows);
  }

  /** WebGL where there is some; without it, or when the context is lost, xterm's DOM renderer goes on. */
  private drawWithGpu(): void {
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => {
        webgl.dispose();
        this.webgl = null;
        this.tellFocus();
      });
      this.terminal.loadAddon(webgl);
      this.webgl = webgl;
    } catch {
      this.webgl = null;
    }
  }

  /** A renderer that comes later hears of no focus that was there before, and would draw the cursor as in a terminal without. */
  private tellFocus(): void {
    if (document.activeElement !== this.terminal.textarea) return;
    this.terminal.blur();
    this.terminal.focus();
  }

  /** Which renderer draws now (for tests and reports of faults). */
  get renderer(): "webgl" | "dom" {
    return this.webgl ? "webgl" : "dom";
  }
}
