/**
 * Tables that answer to their own words only. What a cluster says is looked up in them, and in a plain object `constructor` and
 * `__proto__` are found, too: React would be given a function or an object where it expects a text. Pure.
 */

/** A table from words to values. */
export function dictionary<Value>(entries: Record<string, Value>): Readonly<Record<string, Value>> {
  return onlyOwn({ ...entries });
}

/** Make a table, and all tables in it, answer to their own words only. Lists and functions stay as they are. */
export function onlyOwn<Table extends object>(table: Table): Table {
  Object.setPrototypeOf(table, null);
  for (const value of Object.values(table))
    if (typeof value === "object" && value !== null && !Array.isArray(value)) onlyOwn(value as object);
  return table;
}
