/**
 * A line of a log as pieces of plain text with the names of their colours. Pure.
 *
 * Only colours and weights of SGR sequences are understood; all other escape sequences are taken out, and other control characters and
 * those that turn the direction of writing are made visible: a log line can look like nothing but a log line.
 */

export interface Piece {
  text: string;
  /** Names of classes, of the closed set below. */
  style: string;
}

// CSI; OSC, DCS, APC, PM and SOS with their text up to BEL, ST or the line's end; other escapes; a lone ESC.
const SEQUENCE =
  /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~])|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|\u001b[ -/]*[0-~]?/gu;
// Control characters but tab; marks and overrides of direction; other invisible ones.
const ODD =
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** Cut a line into pieces; neighbours of one style are one piece. */
export function piecesOf(line: string): Piece[] {
  if (!/[\u0000-\u001f\u007f-\u009f\u061c\u180e\u2000-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u.test(line))
    return line ? [{ text: line, style: "" }] : [];
  const pieces: Piece[] = [];
  const pen: Pen = { colour: "", bold: false, dim: false, underline: false };
  let at = 0;
  const add = (until: number): void => {
    const text = line.slice(at, until).replace(ODD, visible);
    if (!text) return;
    const style = styleOf(pen);
    const last = pieces.at(-1);
    if (last && last.style === style) last.text += text;
    else pieces.push({ text, style });
  };
  for (const match of line.matchAll(SEQUENCE)) {
    add(match.index);
    at = match.index + match[0].length;
    if (match[2] === "m") draw(pen, match[1] ?? "");
  }
  add(line.length);
  return pieces;
}

/** The line without any styles. */
export function plainText(line: string): string {
  return piecesOf(line)
    .map(({ text }) => text)
    .join("");
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

interface Pen {
  colour: string;
  bold: boolean;
  dim: boolean;
  underline: boolean;
}

function styleOf({ colour, bold, dim, underline }: Pen): string {
  return [colour && `log-${colour}`, bold && "log-bold", dim && "log-dim", underline && "log-underline"]
    .filter(Boolean)
    .join(" ");
}

function draw(pen: Pen, parameters: string): void {
  const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] as number;
    if (code === 38 || code === 48) {
      // 256 colours and RGB are more than a log needs: their numbers are passed over.
      index += codes[index + 1] === 5 ? 2 : codes[index + 1] === 2 ? 4 : 0;
    } else if (code === 0) Object.assign(pen, { colour: "", bold: false, dim: false, underline: false });
    else if (code === 1) pen.bold = true;
    else if (code === 2) pen.dim = true;
    else if (code === 4) pen.underline = true;
    else if (code === 22) Object.assign(pen, { bold: false, dim: false });
    else if (code === 24) pen.underline = false;
    else if (code === 39) pen.colour = "";
    else if (code >= 30 && code <= 37) pen.colour = COLOURS[code - 30] as string;
    else if (code >= 90 && code <= 97) pen.colour = COLOURS[code - 90] as string;
  }
}
