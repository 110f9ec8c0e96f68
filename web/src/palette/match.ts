/** How well something fits what was typed. Pure. */

/**
 * 0: not at all. Every word must be found; at the beginning of the title counts most, then at the beginning of a word of it, then
 * anywhere in it, then in what else is said of the thing. Shorter titles come first among equals.
 */
export function score(words: readonly string[], title: string, detail: string): number {
  const name = title.toLowerCase();
  const rest = detail.toLowerCase();
  let total = 1;
  for (const word of words) {
    const at = name.indexOf(word);
    if (at === 0) total += 8;
    else if (at > 0 && /[^a-z0-9]/.test(name.charAt(at - 1))) total += 5;
    else if (at > 0) total += 3;
    else if (rest.includes(word)) total += 1;
    else return 0;
  }
  return total + 1 / (2 + title.length);
}

export const wordsOf = (typed: string): string[] => typed.toLowerCase().split(/\s+/).filter(Boolean);

export interface Scored<Item> {
  item: Item;
  score: number;
}

/** The best `limit` items, best first; equal ones keep their order. */
export function best<Item extends { title: string; detail: string }>(
  items: readonly Item[],
  words: readonly string[],
  limit: number,
): Scored<Item>[] {
  const scored: Scored<Item>[] = [];
  for (const item of items) {
    const points = score(words, item.title, item.detail);
    if (points > 0) scored.push({ item, score: points });
  }
  return scored.sort((one, other) => other.score - one.score).slice(0, limit);
}
