import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { freshFolder } from "../../support/folder.js";
import { root } from "../../support/shared.js";
import { BRIEF_JVM, freePort } from "../../support/spark.js";

const python = process.env["PYTHON"] ?? "python3";

/** Lines of a virtual environment with Spark, which the page has for those who have none: here PYTHON has one. */
const INSTALLING = /^(python3 -m venv|pip install) .*\n/gm;

/** The blocks of the page's path: what is run, and what it prints. */
function blocksOf(page: string): { readonly run: readonly string[]; readonly printed: readonly string[] } {
  const text = readFileSync(join(root, "docs", page), "utf8");
  const path = text.slice(text.indexOf("## From a Parquet file"), text.indexOf("\n## Data"));
  const all = [...path.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, block]) => ({
    language,
    block: block!,
  }));
  const of = (wanted: string) => all.flatMap(({ language, block }) => (language === wanted ? [block] : []));
  return { run: of("sh"), printed: of("") };
}

/** A line that was printed, whatever its last digits are on another processor. */
const likely = (line: string): RegExp =>
  new RegExp(line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\d+\\\.\d+/g, "[\\d.e-]+"));

/** The page on Spark. */
export function pageSpecs(): void {
  const folder = freshFolder();

  it("runs as it is written, from a Parquet file to a caffemodel, features and predictions", async function () {
    if (spawnSync(python, ["-c", "import pyspark.ml"]).status !== 0) {
      this.test!.title += ` (skipped: ${python} has no pyspark with numpy)`;
      this.skip();
    }
    for (const name of ["bin", "dist", "models", "node_modules", "package.json", "proto", "spark"])
      symlinkSync(join(root, name), join(folder(), name));
    const { run, printed } = blocksOf("spark.md");
    expect(run).to.have.length(7);
    // Another cluster of this machine may have the port that the page names.
    const port = `${await freePort()}`;
    const script = run.join("\n").replace(INSTALLING, "").replaceAll("7077", port);
    // Daemons end with the script, as the page says.
    const whole = `set -e\ntrap 'kill $(jobs -p)' EXIT\n${script}\n`;
    writeFileSync(join(folder(), "page.sh"), whole);
    const path = `${dirname(python)}:${process.env["PATH"]}`;
    const env = { ...process.env, PATH: path, PYSPARK_PYTHON: python, JDK_JAVA_OPTIONS: BRIEF_JVM };
    const done = spawnSync("bash", ["page.sh"], { cwd: folder(), env, encoding: "utf8", maxBuffer: 2 ** 28 });
    expect(done.status, done.stderr.slice(-3000)).to.equal(0);
    for (const line of printed.flatMap((block) => block.trimEnd().split("\n")))
      expect(done.stdout).to.match(likely(line.trim()));
    for (const name of ["lenet", "again"])
      expect(existsSync(join(folder(), "stripes", `${name}_iter_100.caffemodel`)), name).to.equal(true);
    const [first, second] = ["lenet", "again"].map((name) =>
      readFileSync(join(folder(), "stripes", `${name}_iter_100.caffemodel`)),
    );
    expect(first!.equals(second!), "the weights of netrun train and of spark-submit").to.equal(true);
  });
}
