/** A sentence of ours or of the API with `code` between backticks. */

import { codePieces } from "../texts/sentences";

export function Prose({ children }: { children: string }) {
  return codePieces(children).map((piece, index) =>
    index % 2 === 1 ? <code key={index}>{piece}</code> : <span key={index}>{piece}</span>,
  );
}
