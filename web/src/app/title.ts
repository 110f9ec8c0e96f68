/** The page's title: what is most urgent of what several parts of the console want to say there. */

import { useEffect } from "react";
import { text } from "../text";

/** `page` says where one is, `front` what is in front of it, `urgent` what cannot wait. */
type Part = "page" | "front" | "urgent";

const parts: Record<Part, string> = { page: "", front: "", urgent: "" };

function show(): void {
  const name = parts.front || parts.page;
  document.title = parts.urgent || (name ? `${name} · ${text.product}` : text.product);
}

/** Say something in the title for as long as the component is shown; empty: nothing. */
export function useTitle(part: Part, words: string): void {
  useEffect(() => {
    parts[part] = words;
    show();
    return () => {
      parts[part] = "";
      show();
    };
  }, [part, words]);
}
