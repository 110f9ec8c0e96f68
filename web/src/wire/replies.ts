// What a terminal sends by itself, told from what a hand types: answers to queries, focus and mouse reports (spec/terminal.md 4).
// Such input is no activity, and during a replay it must not be sent. Twin of src/podshell/wire/replies.py; both run
// spec/vectors/replies.json, and the patterns are the same.

// Longer input is no reply: a title or a clipboard report ends far below.
const MAX_REPLY_CHARACTERS = 4096;

const STRING_END = "(?:\\x07|\\x1b\\\\)";
const PATTERNS = [
  "\\x1b\\[[?>][0-9;]*c", // DA1, DA2
  "\\x1b\\[\\??[0-9][0-9;]*n", // DSR, colour scheme
  "\\x1b\\[\\?[0-9]+;[0-9;]+R", // DECXCPR
  // CPR. But F3 with Shift, Alt and Ctrl is CSI 1;2R to CSI 1;8R: those count as keys, a hand must never be ignored.
  "\\x1b\\[(?!1;[2-8]R)[0-9]+;[0-9]+R",
  "\\x1b\\[\\??[0-9]+;[0-9]+\\$y", // DECRPM
  "\\x1b\\[\\?[0-9][0-9;]*[uS]", // kitty keyboard flags, XTSMGRAPHICS
  "\\x1b\\[>[0-9;]+m", // XTQMODKEYS
  "\\x1b\\[[0-9]+(?:;[0-9]+){6}x", // DECREPTPARM
  "\\x1b\\[[0-9]+(?:;[0-9]+)*t", // window reports
  "\\x1b\\[[IO]", // focus in, out
  "\\x1b\\[M[\\x20-\\xff]{3}", // mouse, X10
  "\\x1b\\[<[0-9]+;[0-9]+;[0-9]+[Mm]", // mouse, SGR
  "\\x1b\\[[0-9]+;[0-9]+;[0-9]+M", // mouse, urxvt
  // DECRQSS, XTGETTCAP, DECRQPSR; XTVERSION, DA3; DECRQCRA
  `\\x1bP(?:[01]?[$+][rsu]|[>!]\\||[0-9]+!~)[^\\x07\\x1b]*${STRING_END}`,
  `\\x1b\\](?:[0-9]+;|[lL])[^\\x07\\x1b]*${STRING_END}`, // colours, clipboard, titles
  "\\x1b_G[^\\x07\\x1b]*\\x1b\\\\", // kitty graphics
];
const REPLIES = new RegExp(`^(?:${PATTERNS.join("|")})+$`);

/**
 * Tell whether `data`, as the terminal handed it over (xterm.js: onData, onBinary), is made of nothing but replies and reports.
 * Bytes count as Latin-1.
 */
export function isTerminalReply(data: string | Uint8Array): boolean {
  if (data.length === 0 || data.length > MAX_REPLY_CHARACTERS) {
    return false;
  }
  return REPLIES.test(typeof data === "string" ? data : String.fromCharCode(...data));
}
