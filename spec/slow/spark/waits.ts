import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { launch } from "../../../lib/engine/spark/launch.js";
import { Solver } from "../../../lib/train/solver.js";
import { failure } from "../../support/failure.js";
import { freshFolder } from "../../support/folder.js";
import { BRIEF, type SharedCluster } from "../../support/spark.js";
import { writeRestless } from "../../support/training.js";

/** Waits that Spark would never end. `shared` has all cores of its cluster. */
export function waitSpecs(shared: () => SharedCluster): void {
  const folder = freshFolder();

  it("ends where no executor comes, and says what one needs", async () => {
    const engine = shared().cluster.engine({
      ...BRIEF,
      "spark.netrun.executorTimeout": "2s",
      // How long Spark waits for executors before it begins.
      "spark.scheduler.maxRegisteredResourcesWaitingTime": "1s",
    });
    const training = async () => {
      await using solver = await Solver.load(writeRestless(folder(), "max_iter: 3"), { workers: 2, engine });
      await solver.run(3);
    };
    const { master } = shared().cluster;
    await failure(
      training(),
      `${master} has had no executor for 2.00 s: it has no machine with 1 cores and 700m of memory`,
    );
  });

  it("ends where Spark does not get ready, and kills it", async () => {
    const home = join(folder(), "spark");
    mkdirSync(join(home, "bin"), { recursive: true });
    writeFileSync(join(home, "bin", "spark-submit"), `#!/bin/sh\necho $$ > ${folder()}/pid\nexec sleep 600\n`);
    chmodSync(join(home, "bin", "spark-submit"), 0o755);
    const conf = { "spark.netrun.startTimeout": "1s" };
    await failure(
      launch({ master: "yarn", sparkHome: home, conf }),
      "Spark has not been ready in 1 s\nnote: its messages are above\nnote: wait longer with --conf spark.netrun.startTimeout=1h",
    );
    const pid = readFileSync(join(folder(), "pid"), "utf8").trim();
    // A killed process of which nobody has heard yet is a zombie.
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
    expect(stat).to.match(/^$|\) Z /);
    await failure(
      launch({ master: "yarn", sparkHome: home, conf: { "spark.netrun.startTimeout": "soon" } }),
      "spark.netrun.startTimeout=soon\nnote: it is a time: 90s, 10min, 2h",
    );
  });
}
