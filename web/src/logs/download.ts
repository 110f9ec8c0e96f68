/** A whole log as a file: read anew from its beginning, without following it, up to a bound. */

import type { LogReader, LogWanted, OpenLog } from "../api/live";
import type { Refusal } from "../wire/errors";

// What a browser holds without trouble. A container's log is rotated long before, at 10 MiB by default.
export const DOWNLOAD_LIMIT_BYTES = 256 * 1024 * 1024;

export interface Downloaded {
  parts: string[];
  bytes: number;
  /** The bound was reached. */
  cut: boolean;
}

type Open = (wanted: LogWanted, reader: LogReader) => OpenLog | null;

/** Read it; `onProgress` is told how many bytes have come. @throws Refusal, or null when the connection broke off */
export function downloadLog(
  wanted: LogWanted,
  open: Open,
  onProgress: (bytes: number) => void,
  limit = DOWNLOAD_LIMIT_BYTES,
): Promise<Downloaded> {
  return new Promise((resolve, reject: (why: Refusal | null) => void) => {
    const parts: string[] = [];
    let bytes = 0;
    const log = open(
      { ...wanted, follow: false, tailLines: null, sinceSeconds: null },
      {
        receive: (text, end) => {
          parts.push(text);
          bytes = end;
          onProgress(bytes);
          if (bytes < limit) log?.acknowledge(end);
          else {
            log?.close();
            resolve({ parts, bytes, cut: true });
          }
        },
        end: (refusal) => (refusal ? reject(refusal) : resolve({ parts, bytes, cut: false })),
        cut: () => reject(null),
      },
    );
    if (!log) reject(null);
  });
}

/** Hand a file to the user. */
export function saveFile(name: string, parts: string[]): void {
  const address = URL.createObjectURL(new Blob(parts, { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name.replace(/[^\w.-]+/g, "_");
  link.click();
  // The browser has opened the file by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
