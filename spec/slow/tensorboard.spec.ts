import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { cli } from "../support/cli.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

/** The Python to use; that of the shell where PYTHON names none. */
const python = process.env["PYTHON"] ?? "python3";

const reason = (() => {
  try {
    execFileSync(python, ["-c", "import tensorboard"], { stdio: "ignore" });
    return undefined;
  } catch {
    return `needs Python's tensorboard: pip install tensorboard, and PYTHON names another ${python}`;
  }
})();

/** Reads a folder with TensorBoard's own reader, as JSON. */
const READ = `
import json, sys
from tensorboard.backend.event_processing import event_accumulator as ea
from tensorboard.plugins.hparams import plugin_data_pb2
a = ea.EventAccumulator(sys.argv[1], size_guidance={ea.SCALARS: 0, ea.HISTOGRAMS: 0, ea.IMAGES: 0})
a.Reload()
params = plugin_data_pb2.HParamsPluginData.FromString(a.PluginTagToContent("hparams")["_hparams_/session_start_info"])
histogram = a.Histograms("values/conv1[0]")[0].histogram_value
image = a.Images("filters/conv1")[0]
print(json.dumps({
  "accuracy": [[s.step, s.value] for s in a.Scalars("test/accuracy")],
  "losses": len(a.Scalars("train/loss")),
  "ratios": [[s.step, s.value] for s in a.Scalars("ratio/conv1[0]")],
  "histogram": [histogram.num, sum(histogram.bucket), len(histogram.bucket), len(histogram.bucket_limit)],
  "image": [image.width, image.height, image.encoded_image_string[1:4].decode()],
  "graph": {n.name: [n.op, list(n.input), [d.size for d in n.attr["_output_shapes"].list.shape[0].dim]] for n in a.Graph().node},
  "hparams": {k: v.number_value or v.string_value for k, v in params.session_start_info.hparams.items()},
}))`;

describe(`event files that --tensorboard writes${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  const folder = freshFolder();

  it("are what TensorBoard's own reader finds in them", async function () {
    if (reason !== undefined) this.skip();
    const board = join(folder(), "board");
    const solver = join(root, "models/lenet/solver.prototxt");
    const flags = ["--max-iter", "101", "--test-interval", "50", "--snapshot-prefix", join(folder(), "snap")];
    const { status, stderr } = await cli("train", solver, ...flags, "--tensorboard", board);
    expect(status, stderr).to.equal(0);
    const found = JSON.parse(
      execFileSync(python, ["-c", READ, board], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
    );
    expect(found.accuracy.map(([step]: [number]) => step)).to.deep.equal([0, 50, 100]);
    expect(found.accuracy.at(-1)[1]).to.be.above(0.8);
    expect(found.losses).to.equal(101);
    expect(found.ratios.map(([step]: [number]) => step)).to.deep.equal([0, 100]);
    for (const [, ratio] of found.ratios) expect(ratio).to.be.within(-6, -1);
    expect(found.histogram).to.deep.equal([500, 500, 41, 41]);
    expect(found.image[2]).to.equal("PNG");
    expect(found.graph.ip2).to.deep.equal(["InnerProduct", ["relu1"], [64, 10]]);
    expect(found.hparams).to.deep.include({ base_lr: 0.01, type: "SGD", batch_size: 64 });
  }).timeout(120_000);
});
