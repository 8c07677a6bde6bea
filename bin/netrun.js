#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = new URL("../dist/lib/cli/main.js", import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  console.error("netrun is not built yet: run npm run build");
  process.exit(1);
}
// Whoever reads the output may stop reading (`netrun train ... | head`): that ends netrun, quietly.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
const { run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
