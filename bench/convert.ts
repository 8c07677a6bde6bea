// Time and memory of converting ResNet-152 with hashed weights, the check of the written file included: through the command line and
// through the API, each in a process of its own.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Net } from "../lib/api/net.js";
import { hashWeights } from "../spec/support/hashed.js";
import { resnetPrototxt } from "./resnet.js";

const MB = 2 ** 20;

interface Measured {
  readonly seconds: number;
  /** Resident bytes before, and the most during the conversion. */
  readonly base: number;
  readonly peak: number;
}

async function measure(how: string, net: string, weights: string, out: string): Promise<Measured> {
  const [{ convert }, { run }] = await Promise.all([import("../lib/convert/index.js"), import("../lib/cli/main.js")]);
  const base = process.memoryUsage().rss;
  const start = performance.now();
  if (how === "cli") {
    const status = await run(["convert", net, weights, "-o", out]);
    if (status !== 0) throw new Error(`netrun convert exits with ${status}`);
  } else {
    const { model, report } = await convert(net, weights);
    if (!report.verification!.every(({ within }) => within) || model.length < statSync(weights).size / 2)
      throw new Error("the conversion is wrong");
  }
  return { seconds: (performance.now() - start) / 1000, base, peak: process.resourceUsage().maxRSS * 1024 };
}

async function main(): Promise<void> {
  const [how, ...files] = process.argv.slice(2) as [string?, ...string[]];
  if (how !== undefined) {
    process.stderr.write(JSON.stringify(await measure(how, ...(files as [string, string, string]))));
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));
  try {
    const [net, weights, out] = ["net.prototxt", "net.caffemodel", "net.onnx"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(net, resnetPrototxt(152));
    {
      await using made = await Net.load(net);
      hashWeights(made);
      await made.save(weights);
    }
    const { size } = statSync(weights);
    console.log(`ResNet-152, ${(size / MB).toFixed(0)} MB of weights`);
    for (const way of ["cli", "api"]) {
      const self = fileURLToPath(import.meta.url);
      const command = `${process.execPath} ${self} ${way} ${net} ${weights} ${out} 2>&1 >/dev/null`;
      const { seconds, base, peak } = JSON.parse(execFileSync("sh", ["-c", command], { encoding: "utf8" })) as Measured;
      const times = ((peak - base) / size).toFixed(2);
      const text = `${(peak / MB).toFixed(0)} MB resident, ${(base / MB).toFixed(0)} of them before`;
      console.log(`${way}: ${seconds.toFixed(1)} s, ${text}: ${times} times the weights`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
