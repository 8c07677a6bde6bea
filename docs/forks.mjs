// Writes docs/forks.md from netrun's tables: `npm run docs`. spec/caffe/forks.spec.ts compares.
import { writeFileSync } from "node:fs";
import { forkPage } from "../dist/lib/layers/forks/page.js";

writeFileSync(new URL("forks.md", import.meta.url), forkPage());
