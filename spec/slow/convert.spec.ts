import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { count } from "../../lib/graph/index.js";
import { drawNet } from "../../lib/inspect/draw.js";
import { inspect } from "../../lib/inspect/inspect.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { anyWeights } from "../support/any-weights.js";
import { failure } from "../support/failure.js";
import { hashedInput } from "../support/hashed.js";
import { exceptionFor, PUBLISHED_EXCEPTIONS, PUBLISHED_FILES } from "../support/published.js";
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

/** Shapes that prototxts leave to their data. */
function shapesFor(name: string): Readonly<Record<string, readonly number[]>> {
  const images = name.includes("mnist") ? [1, 1, 28, 28] : name.includes("cifar10") ? [1, 3, 32, 32] : [1, 3, 224, 224];
  const flat = /hdf5|linreg/.test(name) ? [1, 4] : undefined;
  const det4 = name.includes("det4") ? [1, 15, 24, 24] : undefined;
  return { data: flat ?? det4 ?? images, pair_data: [1, 2, 28, 28], rois: [2, 5], im_info: [1, 3] };
}

describeShared("published prototxts are inspected, drawn and converted", () => {
  const files = readdirSync(sharedPath("zoo", "prototxt"), { recursive: true, encoding: "utf8" });
  const names = files.filter((file) => statSync(sharedPath("zoo", "prototxt", file)).isFile()).sort();

  it(`are ${PUBLISHED_FILES} files, of which those in the list are as many as it says`, () => {
    expect(names).to.have.length(PUBLISHED_FILES);
    for (const { includes, count, files: which } of PUBLISHED_EXCEPTIONS)
      expect(names.filter(includes), which).to.have.length(count);
  });

  for (const name of names) {
    const exception = exceptionFor(name);
    it(exception === undefined ? name : `${name}, but: ${exception.reason}`, async () => {
      const path = sharedPath("zoo", "prototxt", name);
      const shapes = shapesFor(name);
      const { inspect: shown = "yes", draw = "yes", said } = exception ?? {};
      const looked = () => inspect(path, shown.startsWith("with") ? { shapes } : {});
      if (shown === "no") await failure(looked(), said!);
      else {
        const found = await looked();
        if (found.kind === "net") expect(found.complete, found.notes.join()).to.equal(true);
      }
      if (draw === "no") await failure(drawNet(path), said!);
      else expect(await drawNet(path, { format: "dot" })).to.match(/^digraph/);
      const converted = async () => {
        const { weights, hashed } = anyWeights(path, shapes);
        const options = hashed ? {} : { verify: false, externalData: "weights" };
        return await convert(path, weights, { ...options, shapes });
      };
      if (said !== undefined) {
        await failure(converted(), said);
        return;
      }
      const { report } = await converted();
      expect(report.nodes).to.be.greaterThan(0);
      for (const { output, absolute, within } of report.verification ?? [])
        expect(within, `${output}: ${absolute}`).to.equal(true);
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
