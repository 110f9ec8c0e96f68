/** Byte sequences that the console itself writes to its terminals. */

/** Everything back: screen, scrollback, modes (RIS). In the stream, so that it comes after what was written before. */
export const FULL_RESET = "\x1bc";

/** Leave what a program may have switched on: alternate screen, mouse, focus, bracketed paste, hidden cursor, scroll region, colours.
 * The cursor is saved first: on the normal screen leaving the alternate one puts it to where it was saved last. */
export const MODES_RESET =
  "\x18\x1b7\x1b[?1049l\x1b[?1000;1002;1003;1004;1005;1006;1015;1016l\x1b[?2004l\x1b[?2026l\x1b[?1l\x1b>\x1b[?25h\x1b[!p\x1b[0m";

/** End whatever sequence was cut in the middle (CAN), with plain colours. */
export const AFTER_GAP = "\x18\x1b[0m";
