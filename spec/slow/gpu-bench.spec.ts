import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

describe("the benchmark on a GPU", function () {
  this.timeout(600_000);
  const folder = freshFolder();

  it("checks, trains and infers on the CPU provider, in a dry run", () => {
    const path = join(folder(), "gpu.json");
    const args = ["dist/bench/gpu/main.js", "--dry-run", "--no-torch", "--write", path];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    expect(status, stdout + stderr).to.equal(0);
    const { correctness, float32 } = JSON.parse(readFileSync(path, "utf8"));
    expect(correctness.layers).to.be.above(100);
    expect(correctness.wrongLayers).to.deep.equal({});
    expect(correctness.losses.lenet.iterations).to.equal(50);
    expect(correctness.losses.cifar.iterations).to.equal(30);
    const nets = float32.training.map(({ net }: { net: string }) => net);
    expect(nets).to.deep.equal(["lenet", "cifar", "caffenet", "googlenet", "resnet50"]);
    for (const { imagesPerSecond, gflop, outsideMs, stepMs } of float32.training) {
      expect(imagesPerSecond).to.be.above(0);
      expect(gflop).to.be.above(0);
      expect(outsideMs).to.be.within(0, stepMs);
    }
    expect(float32.inference).to.have.length(1);
    expect(stdout).to.include("| lenet 8 | float32 |");
  });

  it("says what is missing where there is no CUDA", function () {
    // There it would run for minutes.
    if (existsSync("/dev/nvidia0")) this.skip();
    const { status, stderr } = spawnSync(process.execPath, ["dist/bench/gpu/main.js"], { cwd: root, encoding: "utf8" });
    expect(status).to.equal(1);
    expect(stderr)
      .to.match(/^the execution provider|CUDA/)
      .and.include("netrun devices --install cuda");
  });
});
