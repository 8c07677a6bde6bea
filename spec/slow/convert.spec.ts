import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { NetrunError } from "../../lib/error.js";
import { count } from "../../lib/graph/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { anyWeights } from "../support/any-weights.js";
import { hashedInput } from "../support/hashed.js";
import { describeShared, sharedPath } from "../support/shared.js";

interface Golden {
  readonly blobs: Readonly<Record<string, readonly number[]>>;
  readonly inputs: readonly string[];
  readonly out: Readonly<Record<string, readonly number[]>>;
}

const folder = sharedPath("goldens", "zoo");

describeShared("converted deploy nets, against what Caffe computed of their outputs", () => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".json"));
  for (const file of files.sort()) {
    const name = file.slice(0, -".json".length);
    it(name, async () => {
      const golden = JSON.parse(readFileSync(join(folder, file), "utf8")) as Golden;
      const path = sharedPath("zoo", "prototxt", name);
      const { model } = await convert(path, anyWeights(path).weights, { verify: false });
      await using converted = await openModelFile(model);
      const outputs = await converted.run(
        Object.fromEntries(golden.inputs.map((blob) => [blob, hashedInput(blob, golden.blobs[blob]!)])),
      );
      expect(Object.keys(outputs).sort()).to.deep.equal(Object.keys(golden.out).sort());
      for (const [blob, expected] of Object.entries(golden.out)) {
        const { shape, data } = outputs[blob]!;
        expect(shape).to.deep.equal(golden.blobs[blob]);
        const step = Math.max(1, Math.floor(count(shape) / 1000));
        expected.forEach((value, i) => {
          expect(data[i * step], `${blob}[${i * step}]`).to.be.closeTo(value, 1e-4 + 1e-3 * Math.abs(value));
        });
      }
    });
  }
});

/** Published prototxts that do not convert, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "mobilenet_ssd/template+MobileNetSSD_deploy_template.prototxt": "a template: num_output is a placeholder",
  "mobilenet_ssd/template+MobileNetSSD_test_template.prototxt": "a template: num_output is a placeholder",
  "mobilenet_ssd/template+MobileNetSSD_train_template.prototxt": "a template: num_output is a placeholder",
  "mobilenet_ssd/create_lmdb+code+labelmap.prototxt": "a label map",
  "sparknet/models+test+test.prototxt": "has inputs and no layers",
};
const reasonFor = (name: string) => EXCEPTIONS[name] ?? (/solver/.test(name) ? "a solver" : undefined);

/** Shapes that prototxts leave to their data. */
function shapesFor(name: string): Readonly<Record<string, readonly number[]>> {
  const images = name.includes("mnist") ? [1, 1, 28, 28] : name.includes("cifar10") ? [1, 3, 32, 32] : [1, 3, 224, 224];
  const flat = /hdf5|linreg/.test(name) ? [1, 4] : undefined;
  const det4 = name.includes("det4") ? [1, 15, 24, 24] : undefined;
  return { data: flat ?? det4 ?? images, pair_data: [1, 2, 28, 28], rois: [2, 5], im_info: [1, 3] };
}

describeShared("published prototxts convert", () => {
  const files = readdirSync(sharedPath("zoo", "prototxt"), { recursive: true, encoding: "utf8" });
  const names = files.filter((file) => statSync(sharedPath("zoo", "prototxt", file)).isFile()).sort();
  it("are 156 files", () => expect(names).to.have.length(156));
  for (const name of names) {
    const reason = reasonFor(name);
    it(reason === undefined ? name : `${name} does not: ${reason}`, async () => {
      const path = sharedPath("zoo", "prototxt", name);
      const shapes = shapesFor(name);
      const work = async () => {
        const { weights, hashed } = anyWeights(path, shapes);
        const options = hashed ? {} : { verify: false, externalData: "weights" };
        const { report } = await convert(path, weights, { ...options, shapes });
        expect(report.nodes).to.be.greaterThan(0);
        for (const { output, absolute, within } of report.verification ?? [])
          expect(within, `${output}: ${absolute}`).to.equal(true);
      };
      const error = await work().catch((thrown) => thrown as unknown);
      if (reason !== undefined) expect(error).to.be.instanceOf(NetrunError);
      else if (error) throw error;
    });
  }
});

describeShared("converted detectors and segmenters do what their nets do", () => {
  for (const [name, options] of [
    ["mobilenet_ssd/deploy.prototxt", {}],
    ["faster_rcnn/models+pascal_voc+ZF+faster_rcnn_end2end+test.prototxt", { height: 224, width: 320 }],
    ["faster_rcnn/models+pascal_voc+ZF+fast_rcnn+test.prototxt", {}],
    ["enet/prototxts+enet_deploy_final.prototxt", { height: 128, width: 256 }],
  ] as const) {
    it(name, async () => {
      const path = sharedPath("zoo", "prototxt", name);
      const { report } = await convert(path, anyWeights(path).weights, options);
      for (const { output, absolute, within } of report.verification!) {
        expect(within, `${output}: ${absolute}`).to.equal(true);
      }
    });
  }
});
