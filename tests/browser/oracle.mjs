// What a terminal holds after all bytes: reads {cols, rows, output (base64)} and prints the serialised buffer of @xterm/headless.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { Terminal } = require("@xterm/headless");
const { SerializeAddon } = require("@xterm/addon-serialize");
const { UnicodeGraphemesAddon } = require("@xterm/addon-unicode-graphemes");

const { cols, rows, output } = JSON.parse(readFileSync(0, "utf8"));
const terminal = new Terminal({ cols, rows, scrollback: 5000, allowProposedApi: true });
const serializer = new SerializeAddon();
terminal.loadAddon(serializer);
terminal.loadAddon(new UnicodeGraphemesAddon());
terminal.write(Buffer.from(output, "base64"), () => process.stdout.write(serializer.serialize({ scrollback: 5000 })));
