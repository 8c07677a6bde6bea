// Builds spark/netrun-spark.jar with javac against the jars of a Spark: of SPARK_HOME, else of the pyspark that Python has.
// Spark itself is on the class path of whoever runs the jar, so that nothing but a few classes of ours is in it.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));

function sparkHome() {
  if (process.env.SPARK_HOME) return process.env.SPARK_HOME;
  const found = spawnSync(process.env.PYTHON ?? "python3", ["-c", "import pyspark; print(pyspark.__path__[0])"]);
  return found.status === 0 ? found.stdout.toString().trim() : undefined;
}

function fail(message) {
  process.stderr.write(`spark/build.mjs: ${message}\n`);
  process.exit(1);
}

const home = sparkHome();
if (home === undefined || !existsSync(join(home, "jars")))
  fail("no Spark to compile against: set SPARK_HOME, or pip install pyspark and set PYTHON to that Python");
if (spawnSync("javac", ["--version"]).status !== 0) fail("no javac: install a JDK, 17 or later");
const sources = readdirSync(join(here, "java"), { recursive: true })
  .filter((name) => name.endsWith(".java"))
  .map((name) => join(here, "java", name));
const classes = mkdtempSync(join(tmpdir(), "netrun-jar-"));
try {
  const path = join(home, "jars", "*");
  mkdirSync(classes, { recursive: true });
  // Spark 4 runs on Java 17 and later.
  execFileSync("javac", ["--release", "17", "-nowarn", "-cp", path, "-d", classes, ...sources], { stdio: "inherit" });
  execFileSync(
    "jar",
    ["--create", "--file", join(here, "netrun-spark.jar"), "-C", classes, ".", "-C", join(here, "python"), "."],
    { stdio: "inherit" },
  );
} finally {
  rmSync(classes, { recursive: true, force: true });
}
