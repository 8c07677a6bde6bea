#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = new URL("../dist/lib/cli/main.js", import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  console.error("netrun is not built yet: run npm run build");
  process.exit(1);
}
// Whoever reads the output may stop reading (`netrun train ... | head`): that ends netrun, quietly. Other errors are for a command
// that goes on without its output (a training), or end netrun.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") process.exit(0);
  if (process.stdout.listenerCount("error") > 1) return;
  try {
    console.error(`cannot write to standard output: ${error.message}`);
  } finally {
    process.exit(1);
  }
});
// Where nobody reads errors any more, there is nobody to tell.
process.stderr.on("error", () => {});
const { run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
