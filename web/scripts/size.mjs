// Weighs what a browser loads before it shows a page: the scripts and styles that the built index.html names, gzipped.
// `node scripts/size.mjs FOLDER`; fails above the limit of docs/explanation/console.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT = 250 * 1024;
const folder = process.argv[2] ?? "dist";
const page = readFileSync(join(folder, "index.html"), "utf8");
const names = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, name]) => name);
if (names.length === 0) throw new Error(`${folder}/index.html names no assets`);
let total = 0;
for (const name of names) {
  const bytes = gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
  total += bytes;
  console.log(`${(bytes / 1024).toFixed(1).padStart(7)} KiB  ${name}`);
}
console.log(`${(total / 1024).toFixed(1).padStart(7)} KiB  first load, of at most ${LIMIT / 1024} KiB`);
if (total > LIMIT) {
  console.error("The first load is too heavy: load what is not needed at first as a chunk of its own.");
  process.exit(1);
}
