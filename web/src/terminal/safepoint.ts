/**
 * Says whether a byte stream that goes to a terminal stands between characters and escape sequences.
 *
 * A snapshot of the screen may only be taken there: in the middle of a sequence the parser's state is not in the snapshot,
 * and the rest of the sequence would be replayed as text. Follows the states of a DEC ANSI parser, as far as "inside or outside" goes.
 */

const GROUND = 0;
const ESCAPE = 1;
const CSI = 2;
const STRING = 3; // OSC, DCS, SOS, PM, APC: until ST, BEL (OSC) or CAN/SUB
const STRING_ESCAPE = 4;

export class SafePoint {
  private state = GROUND;
  private continuation = 0;
  private osc = false;

  /** True when everything fed so far is complete. */
  get safe(): boolean {
    return this.state === GROUND && this.continuation === 0;
  }

  reset(): void {
    this.state = GROUND;
    this.continuation = 0;
  }

  feed(data: Uint8Array): void {
    for (let i = 0; i < data.length; i++) {
      const byte = data[i] as number;
      if (this.state === GROUND && byte >= 0x20) this.text(byte);
      else this.control(byte);
    }
  }

  private text(byte: number): void {
    if (byte < 0x80) this.continuation = 0;
    else if (byte < 0xc0) this.continuation = Math.max(0, this.continuation - 1);
    else this.continuation = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf8 ? 3 : 0;
  }

  private control(byte: number): void {
    this.continuation = 0;
    if (byte === 0x18 || byte === 0x1a) {
      this.state = GROUND;
      return;
    }
    switch (this.state) {
      case GROUND:
        if (byte === 0x1b) this.state = ESCAPE;
        return;
      case ESCAPE:
        this.escape(byte);
        return;
      case CSI:
        if (byte === 0x1b) this.state = ESCAPE;
        else if (byte >= 0x40 && byte <= 0x7e) this.state = GROUND;
        return;
      case STRING:
        if (byte === 0x1b) this.state = STRING_ESCAPE;
        else if (byte === 0x07 && this.osc) this.state = GROUND;
        return;
      default:
        if (byte === 0x5c) this.state = GROUND;
        else this.escape(byte);
    }
  }

  private escape(byte: number): void {
    if (byte === 0x1b) this.state = ESCAPE;
    else if (byte === 0x5b) this.state = CSI;
    else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) {
      this.state = STRING;
      this.osc = byte === 0x5d;
    } else if (byte >= 0x30) this.state = GROUND;
    else this.state = ESCAPE;
  }
}
