/** What programs in a container say to the browser, made harmless: titles, links, clipboard requests, pasted text. */

// C0 and C1 controls, bidirectional controls, zero-width and other invisible formatting: they could make a text look like another.
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const TITLE_CHARACTERS = 80;
const LINK_CHARACTERS = 2048;
const LINK_PROTOCOLS: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);
/** The most that a program may offer for the clipboard: some screens of text. */
const CLIPBOARD_BYTES = 64 * 1024;

/** Take out control and bidirectional characters, and cut. */
export function cleanText(text: string, most: number): string {
  const clean = text
    .slice(0, most * 8)
    .replace(INVISIBLE, "")
    .trim();
  const characters = Array.from(clean);
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : clean;
}

export function cleanTitle(title: string): string {
  return cleanText(title, TITLE_CHARACTERS);
}

/** The target of a link that may be offered to the user, normalised; empty for any other. */
export function safeLink(target: string): string {
  if (target.length > LINK_CHARACTERS) return "";
  try {
    const url = new URL(target);
    // A user name before the host is only ever there to make the address look like another.
    return LINK_PROTOCOLS.has(url.protocol) && url.username === "" && url.password === "" ? url.href : "";
  } catch {
    return "";
  }
}

/** The text that an OSC 52 payload (`c;BASE64`) wants to copy; empty for a read (`?`), a clear, and what does not decode. */
export function clipboardText(payload: string): string {
  const encoded = payload.slice(payload.indexOf(";") + 1);
  if (encoded === "?" || encoded.length > (CLIPBOARD_BYTES * 4) / 3 + 4) return "";
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "";
  }
}

/** Pasted text without the markers that would end a bracketed paste early, and without other escape sequences' first byte. */
export function cleanPaste(text: string): string {
  return text.replace(/(?:\u001b\[|\u009b)20[01]~/g, "").replace(/[\u001b\u009b]/g, "");
}

/** True for a paste that a shell would start to run before the user has seen it. */
export function needsConfirmation(text: string, bracketedPaste: boolean): boolean {
  return !bracketedPaste && /[\r\n]./s.test(text);
}

/** How many lines a pasted text has: the end of its last one begins no other. */
export function lineCount(text: string): number {
  return text.replace(/(\r\n|\r|\n)$/, "").split(/\r\n|\r|\n/).length;
}
