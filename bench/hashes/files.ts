import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConvertOptions } from "../../lib/index.js";
import { hashed, hashWeights } from "../../spec/support/hashed.js";
import { hasShared, root, sharedPath } from "../../spec/support/shared.js";
import type { Case } from "./cases.js";

/** A converted net with hashed weights: the bytes of its files. */
function fileCase(name: string, path: string, options: ConvertOptions = {}): Case {
  return {
    name: `files/${name} ${JSON.stringify(options)}`,
    async *run({ Net, convert, saveRows }) {
      await using net = await Net.load(path, { ...(options.shapes && { shapes: options.shapes }) });
      hashWeights(net);
      const folder = mkdtempSync(join(tmpdir(), "netrun-hashes-"));
      try {
        const data = join(folder, "rows.arrow");
        if (options.int8) await saveRows(data, rowsFor(net.shapes.get(net.inputs[0]!)!));
        const { model, externalData } = await convert(path, net.stored(), {
          verify: false,
          ...options,
          ...(options.int8 && { calibrate: data }),
        });
        yield ["model", model];
        for (const [i, part] of (externalData?.parts ?? []).entries()) yield [`weights ${i}`, part];
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** Rows of images, as nested lists. */
function rowsFor([, channels, height, width]: readonly number[]) {
  const plane = height! * width!;
  return Array.from({ length: 8 }, (_, n) => {
    const values = hashed(`row ${n}`, channels! * plane, (u) => u - 0.5);
    const row = (start: number) => Array.from(values.subarray(start, start + width!));
    const data = Array.from({ length: channels! }, (_unused, c) =>
      Array.from({ length: height! }, (_none, y) => row(c * plane + y * width!)),
    );
    return { data };
  });
}

/** Converted files: every kind of net, and every option that changes what is written. */
export function fileCases(): readonly Case[] {
  const lenet = join(root, "models", "lenet", "deploy.prototxt");
  const own = [
    ...[13, 17, 18, 21].map((opset) => fileCase("lenet", lenet, { opset })),
    fileCase("lenet", lenet, { fp16: true }),
    fileCase("lenet", lenet, { int8: true }),
    fileCase("lenet", lenet, { batch: 3, scale: 0.5, mean: [3], preprocess: true }),
    fileCase("lenet", lenet, { externalData: "weights.bin", outputs: ["pool1", "ip1", "prob"] }),
    fileCase("caffenet", join(root, "models", "caffenet", "deploy.prototxt")),
  ];
  if (!hasShared()) return own;
  const zoo = (name: string, options: ConvertOptions = {}) =>
    fileCase(name, sharedPath("zoo", "prototxt", `${name}.prototxt`), options);
  return [
    ...own,
    zoo("bvlc/models+bvlc_googlenet+deploy"),
    zoo("bvlc/models+bvlc_googlenet+deploy", { fp16: true }),
    zoo("squeezenet/SqueezeNet_v1.1+deploy", { opset: 21, dynamicSpatial: true }),
    zoo("squeezenet/SqueezeNet_v1.1+deploy", { int8: true, opset: 13 }),
    zoo("mobilenet/mobilenet_deploy"),
    zoo("mobilenet/mobilenet_deploy", { fold: false, fp16: true, opset: 18 }),
    zoo("mobilenet/mobilenet_v2_deploy"),
    zoo("mobilenet/mobilenet_v2_deploy", { int8: true }),
    zoo("mtcnn/code+codes+MTCNNv2+model+det1", { dynamicSpatial: true }),
    zoo("mtcnn/code+codes+MTCNNv2+model+det2", { fp16: true }),
    zoo("mtcnn/code+codes+MTCNNv2+model+det3"),
    zoo("mobilenet_ssd/deploy"),
    zoo("mobilenet_ssd/deploy", { fp16: true }),
    zoo("enet/prototxts+enet_deploy_final", { height: 128, width: 256 }),
    zoo("faster_rcnn/models+pascal_voc+ZF+faster_rcnn_end2end+test", { height: 224, width: 320 }),
    zoo("bvlc/models+bvlc_alexnet+deploy", { fold: false }),
  ];
}
