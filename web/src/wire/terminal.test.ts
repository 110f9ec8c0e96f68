import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isRetryableClose, MEANINGS, TerminalFault } from "./errors";
import * as wire from "./terminal";

type Row = Record<string, unknown> & { type: string; bytes: string };
interface Vectors {
  client: Row[];
  server: { bytes: string; message: Record<string, unknown> }[];
  unknown: string[];
  not_from_a_gateway: string[];
  errors: unknown;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../spec/vectors/terminal.json", import.meta.url), "utf8"),
) as Vectors;

const unhex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, "hex"));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function encode(row: Row): Uint8Array {
  switch (row.type) {
    case "input":
      return wire.encodeInput(Number(row.offset), unhex(String(row.data)), row.auto === true, row.end === true);
    case "ack":
      return wire.encodeAck(Number(row.offset));
    case "resize":
      return wire.encodeResize(Number(row.cols), Number(row.rows));
    case "visible":
      return wire.encodeVisible(row.visible === true);
    case "stay":
      return wire.encodeStay();
    case "ping":
      return wire.encodePing(Number(row.token));
    case "close":
      return wire.encodeClose();
    case "detach":
      return wire.encodeDetach();
    default:
      return wire.encodeHello(row.hello as wire.TerminalHello);
  }
}

describe("client messages", () => {
  it.each(vectors.client.map((row) => [row.type, row] as const))("%s has the bytes of the vectors", (_, row) => {
    expect(hex(encode(row))).toBe(row.bytes);
  });

  it("refuses what cannot be sent", () => {
    expect(() => wire.encodeInput(0, new Uint8Array(wire.MAX_INPUT_BYTES + 1), false)).toThrow(TerminalFault);
    expect(() => wire.encodeAck(-1)).toThrow(TerminalFault);
    expect(() => wire.encodeAck(2 ** 53 + 2)).toThrow(TerminalFault);
    expect(() => wire.encodeResize(0, 24)).toThrow(TerminalFault);
    expect(() => wire.encodeResize(80, 65536)).toThrow(TerminalFault);
    expect(() => wire.encodeHello({ ticket: "t".repeat(20_000), session: "s", viewer: "v" })).toThrow(TerminalFault);
  });
});

describe("server messages", () => {
  it.each(vectors.server.map((row) => [String(row.message.type), row] as const))(
    "%s is read as in Python",
    (_, row) => {
      const message = wire.decodeServer(unhex(row.bytes).buffer);
      expect(message.type === "output" ? { ...message, data: hex(message.data) } : message).toEqual(row.message);
    },
  );

  it.each(vectors.unknown)("type of %s is unknown and no fault", (bytes) => {
    expect(wire.decodeServer(unhex(bytes).buffer).type).toBe("unknown");
  });

  it.each(vectors.not_from_a_gateway.map((bytes) => [bytes.slice(0, 60), bytes] as const))(
    "%s is a fault",
    (_, bytes) => {
      expect(() => wire.decodeServer(unhex(bytes).buffer)).toThrow(TerminalFault);
    },
  );

  it("never throws anything else, whatever comes", () => {
    let seed = 1;
    const random = (): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed;
    };
    for (let round = 0; round < 20_000; round += 1) {
      const source = vectors.server[random() % vectors.server.length];
      const bytes = unhex(source?.bytes ?? "");
      for (let change = random() % 4; change > 0; change -= 1) {
        bytes[random() % bytes.length] = random() % 256;
      }
      const cut = bytes.slice(0, random() % (bytes.length + 1));
      try {
        wire.decodeServer(cut.buffer);
      } catch (error) {
        expect(error).toBeInstanceOf(TerminalFault);
      }
    }
  });
});

describe("refusals", () => {
  it("mean the same as in Python", () => {
    expect(MEANINGS).toEqual(vectors.errors);
  });

  it("are worth another try only where the table says so", () => {
    expect([1006, 1012, 4503, 4500].every(isRetryableClose)).toBe(true);
    expect([1000, 4000, 4401, 4403, 4404, 4410].some(isRetryableClose)).toBe(false);
  });
});
