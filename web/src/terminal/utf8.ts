/**
 * Where a piece of UTF-8 may be cut.
 *
 * xterm.js decodes bytes over the borders of writes, but loses a character when the cut is right after a continuation byte 0x80
 * (6.0.0, Utf8ToUtf32: `interim[++pos] & 0x3F` is 0 and ends its loop): that is every dash, quote and joiner in U+2000 to U+203F.
 * So an unfinished character at the end of a piece is kept back until the rest of it comes.
 */

/** How many bytes at the end belong to a character that is not complete: 0 to 3. */
export function unfinishedBytes(data: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, data.length); back++) {
    const byte = data[data.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 1;
      return size > back ? back : 0;
    }
  }
  return 0;
}
