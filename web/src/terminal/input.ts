/**
 * What the user types, as a byte stream with absolute offsets (spec/terminal.md 4).
 *
 * Owns the bytes until the agent has taken them: `take` numbers and hands out what may be sent now, `attach` starts again from where the
 * agent is. The queue is bounded; what does not fit is refused, never dropped silently.
 */

/** One INPUT message; the gateway takes at most 32 KiB, and smaller ones let a Ctrl-C follow a paste sooner. */
export const CHUNK_BYTES = 16 * 1024;
/** What may wait to be sent: a large paste. */
export const QUEUE_LIMIT_BYTES = 4 * 1024 * 1024;

export interface InputPiece {
  offset: number;
  data: Uint8Array;
  auto: boolean;
}

interface Waiting {
  data: Uint8Array;
  auto: boolean;
}

export class InputStream {
  private sent: InputPiece[] = [];
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private next = 0;
  private limit = 0;

  /** Bytes that the agent has not taken yet. */
  get pendingBytes(): number {
    return this.waitingBytes + this.sent.reduce((sum, piece) => sum + piece.data.length, 0);
  }

  /** Queue typed bytes; false when there is no room for them. */
  push(data: Uint8Array, auto: boolean): boolean {
    if (data.length === 0) return true;
    if (this.waitingBytes + data.length > QUEUE_LIMIT_BYTES) return false;
    this.waiting.push({ data, auto });
    this.waitingBytes += data.length;
    return true;
  }

  /** Hand out, numbered, what the limit allows to send now. */
  take(): InputPiece[] {
    const pieces: InputPiece[] = [];
    for (let head = this.waiting[0]; head && this.next < this.limit; head = this.waiting[0]) {
      const size = Math.min(head.data.length, CHUNK_BYTES, this.limit - this.next);
      const piece = { offset: this.next, data: head.data.subarray(0, size), auto: head.auto };
      if (size === head.data.length) this.waiting.shift();
      else head.data = head.data.subarray(size);
      this.next += size;
      this.waitingBytes -= size;
      this.sent.push(piece);
      pieces.push(piece);
    }
    return pieces;
  }

  /** The agent has taken everything before `taken` and accepts up to `limit`. */
  acknowledge(taken: number, limit: number): void {
    while (this.sent[0] && this.sent[0].offset + this.sent[0].data.length <= taken) this.sent.shift();
    this.limit = Math.max(this.limit, limit);
  }

  /**
   * A socket is attached. Same shell: what the agent has not taken is queued again, from exactly there. Another one: what was typed
   * was meant for a shell that is gone and is dropped. Replies that the terminal made while cut off are dropped too, unless numbered.
   */
  attach(sameShell: boolean, taken: number, limit: number): void {
    this.limit = limit;
    if (sameShell) this.waiting = [...this.untaken(taken), ...this.waiting.filter((piece) => !piece.auto)];
    else this.waiting = [];
    this.sent = [];
    this.waitingBytes = this.waiting.reduce((sum, piece) => sum + piece.data.length, 0);
    this.next = taken;
  }

  private untaken(taken: number): Waiting[] {
    const first = this.sent[0];
    // The agent stands before what we still have (it lost some): nothing can be sent again in its place.
    if (!first || first.offset > taken) return [];
    return this.sent
      .filter((piece) => piece.offset + piece.data.length > taken)
      .map((piece) => ({ data: piece.data.subarray(Math.max(0, taken - piece.offset)), auto: piece.auto }));
  }
}
