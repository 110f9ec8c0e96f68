/** Sentences that come from elsewhere, made ready to be shown: pure. The API's begin with a small letter, as they may stand after a colon. */

/** A word of the language: not a name with dots, dashes or digits, nor code. */
const WORD = /^[a-z]+(?=[ ,;']|$)/;

/** Begin a sentence with a capital letter, where it stands alone or after another one. */
export function sentence(text: string): string {
  return WORD.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** Split at backticks: every second piece, from the second on, is code. A backtick without its second one is a character like any other. */
export function codePieces(text: string): string[] {
  const pieces = text.split("`");
  if (pieces.length % 2 === 1) return pieces;
  const last = pieces.pop() ?? "";
  return [...pieces.slice(0, -1), `${pieces.at(-1)}\`${last}`];
}
