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
import { type ITheme, Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { text } from "../text";
import type { Screen } from "./ports";

const SCROLLBACK_LINES = 5_000;
const OSC_CLIPBOARD = 52;
export const FONT =
  'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

export class XtermScreen implements Screen {
  readonly terminal: Terminal;
  readonly element = document.createElement("div");
  private readonly fit = new FitAddon();
  private readonly serializer = new SerializeAddon();
  readonly search = new SearchAddon();
  private webgl: WebglAddon | null = null;
  private opened = false;
  private clipboardListener: (payload: string) => void = () => {};
  private linkListener: (url: string) => void = () => {};
  private pasteListener: (pasted: string) => void = () => {};
  private readonly observer = new ResizeObserver(() => this.refit());

  constructor(theme: ITheme, fontSize: number, label: string) {
    this.element.className = "terminal-host";
    this.terminal = new Terminal({
      allowProposedApi: true, // the unicode service of the graphemes addon
      scrollback: SCROLLBACK_LINES,
      fontFamily: FONT,
      fontSize,
      theme,
      cursorBlink: true,
      cursorInactiveStyle: "outline",
      minimumContrastRatio: 4.5,
      rightClickSelectsWord: false,
      linkHandler: { activate: (_event, url) => this.linkListener(url), allowNonHttpProtocols: false },
    });
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

  write(data: Uint8Array | string, done?: () => void): void {
    this.terminal.write(data, done);
  }

  onData(listener: (data: string) => void): void {
    this.terminal.onData(listener);
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

  setTheme(theme: ITheme): void {
    this.terminal.options.theme = theme;
  }

  setFontSize(size: number): void {
    this.terminal.options.fontSize = size;
    this.refit();
  }

  /** Show the terminal inside `parent`. */
  mount(parent: HTMLElement): void {
    parent.append(this.element);
    if (!this.opened) {
      this.opened = true;
      this.terminal.open(this.element);
      this.terminal.textarea?.setAttribute("aria-label", text.terminal.input);
      this.drawWithGpu();
    }
    this.observer.observe(this.element);
    this.refit();
  }

  unmount(): void {
    this.observer.disconnect();
    this.element.remove();
  }

  dispose(): void {
    this.observer.disconnect();
    this.element.remove();
    this.terminal.dispose();
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
      });
      this.terminal.loadAddon(webgl);
      this.webgl = webgl;
    } catch {
      this.webgl = null;
    }
  }

  /** Which renderer draws now (for tests and reports of faults). */
  get renderer(): "webgl" | "dom" {
    return this.webgl ? "webgl" : "dom";
  }
}
