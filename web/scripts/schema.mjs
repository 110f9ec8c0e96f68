// Write src/api/schema.ts from the gateway's OpenAPI document; with --check only say whether it is fresh.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const target = fileURLToPath(new URL("../src/api/schema.ts", import.meta.url));
const python =
  process.env.PODSHELL_PYTHON ?? (existsSync(`${root}.venv/bin/python`) ? `${root}.venv/bin/python` : "python3");
const document = execFileSync(python, ["-m", "podshell.gateway.openapi"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 32 * 1024 * 1024,
});
const header = "// Generated from the gateway's OpenAPI document by `npm run schema`. Do not edit.\n\n";
const source = header + astToString(await openapiTS(JSON.parse(document), { defaultNonNullable: false }));
if (!process.argv.includes("--check")) {
  writeFileSync(target, source);
} else if (!existsSync(target) || readFileSync(target, "utf8") !== source) {
  console.error("src/api/schema.ts is stale: run `npm run schema` in web/");
  process.exit(1);
}
