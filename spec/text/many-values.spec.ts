import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { NetrunError, Solver } from "../../lib/index.js";
import { inspectNet } from "../../lib/inspect/index.js";
import { registeredTypes } from "../../lib/layers/index.js";
import { lower } from "../../lib/net/lower.js";
import { unknownFields } from "../../lib/text/notes.js";

/** More than can be arguments of one call. */
const MANY = 200_000;
const many = (field: string): string => `${field} `.repeat(MANY);

describe("repeated values by the hundred thousand", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "netrun-many-"));
  after(() => rmSync(folder, { recursive: true }));

  it("unknown fields move with a layer of an old format", () => {
    const { message } = loadNet(`\nlayers { name: "r" type: RELU bottom: "x" top: "x" ${many("foo: 1")} }`);
    expect(unknownFields(message.layer[0]!).length).to.equal(MANY);
  });

  for (const [field, values] of [
    [
      "mean values",
      `transform_param { ${many("mean_value: 1")} } dummy_data_param { shape { dim: 1 dim: 4 } shape { dim: 1 } }`,
    ],
    ["steps of the learning rate", "dummy_data_param { shape { dim: 1 dim: 4 } shape { dim: 1 } }"],
  ] as const)
    it(`${field} are loaded, inspected and trained with`, async () => {
      const net = `
        layer { name: "d" type: "DummyData" top: "data" top: "label" ${values} }
        layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }`;
      await inspectNet(loadNet(net).message, { phase: "TRAIN", baseDir: folder });
      const path = join(folder, "net.prototxt");
      writeFileSync(path, net);
      const steps = field.startsWith("steps") ? many("stepvalue: 1") : "stepvalue: 1";
      await using solver = await Solver.load(
        `net: "${path}" base_lr: 0.1 lr_policy: "multistep" gamma: 0.5 ${steps} max_iter: 1 snapshot_after_train: false`,
      );
      const [loss] = await solver.step(1);
      expect(loss).to.be.closeTo(Math.LN2, 1e-6);
    });

  it("dims of a blob are refused in a message of readable length", () => {
    const net = `layer { name: "d" type: "DummyData" top: "data" dummy_data_param { shape { ${many("dim: 1")} } } }`;
    const { layer } = loadNet(net).message;
    const refused = () => lower(layer, { phase: "TRAIN", shapes: new Map(), types: registeredTypes() });
    expect(refused).to.throw(NetrunError, "more than the 32 axes").with.property("message").with.length.below(400);
  });
});
