import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { convert } from "../../lib/convert/index.js";
import { saveRows } from "../../lib/data/source/table/save.js";
import { freshFolder } from "../support/folder.js";
import { inputLayer } from "../support/net.js";
import { SSD_NET } from "../support/ssd.js";

const python = process.env["PYTHON"] ?? "python3";

/** Reason why Python's onnx cannot check files here; undefined where it can. */
function reason(): string | undefined {
  try {
    execFileSync(python, ["-c", "import onnx"], { stdio: "ignore" });
    return undefined;
  } catch {
    return `needs Python's onnx: pip install onnx, and PYTHON names another ${python}`;
  }
}

const CHECK = `
import sys, onnx
from onnx import checker, shape_inference
for path in sys.argv[1:]:
    model = onnx.load(path)
    checker.check_model(model, full_check=True)
    shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
`;

const layer = (name: string, type: string, bottom: string, more = "", top = name) =>
  `layer { name: "${name}" type: "${type}" ${bottom
    .split(" ")
    .map((blob) => `bottom: "${blob}"`)
    .join(" ")} top: "${top}" ${more} }\n`;
const conv = (name: string, bottom: string, outputs: number) =>
  layer(
    name,
    "Convolution",
    bottom,
    `convolution_param { num_output: ${outputs} kernel_size: 3 pad: 1 weight_filler { type: "xavier" } }`,
  );
const image = `input: "data" input_shape { dim: 1 dim: 3 dim: 32 dim: 32 }\n`;

const NETS: Readonly<Record<string, string>> = {
  classifier:
    image +
    conv("c", "data", 4) +
    layer("bn", "BatchNorm", "c", "", "c") +
    layer("lrn", "LRN", "c") +
    layer("a", "PReLU", "lrn") +
    layer("pool", "Pooling", "a", "pooling_param { kernel_size: 3 stride: 2 pool: AVE }") +
    layer("max", "Reduction", "pool", "reduction_param { axis: 2 operation: MEAN }") +
    layer("ip", "InnerProduct", "max", `inner_product_param { num_output: 5 weight_filler { type: "xavier" } }`) +
    layer("prob", "Softmax", "ip"),
  ssd: SSD_NET,
  "own boxes": SSD_NET.replace("num_output: 8", "num_output: 24").replace(
    "num_classes: 3",
    "num_classes: 3 share_location: false",
  ),
  "boxes of maps":
    image +
    inputLayer("rois", 4, 5) +
    conv("map", "data", 64) +
    layer("lrn", "LRN", "map", "lrn_param { local_size: 5 }") +
    layer("ps", "PSROIPooling", "lrn rois", "psroi_pooling_param { output_dim: 16 group_size: 2 spatial_scale: 1 }") +
    layer("roi", "ROIPooling", "lrn rois", "roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 1 }") +
    layer("number", "Slice", "rois", 'slice_param { axis: 1 slice_point: 1 } top: "corners"') +
    layer("some", "Filter", "roi number"),
  unpooling:
    image +
    `layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" top: "mask" pooling_param { kernel_size: 2 stride: 2 } }` +
    layer("up", "Upsample", "pool mask", "upsample_param { scale: 2 }") +
    layer("zoom", "Interp", "up", "interp_param { zoom_factor: 2 }"),
};

/** Every opset, and half precision at both ends. */
const OPTIONS = [
  ...[13, 14, 15, 16, 17, 18, 19, 20, 21].map((opset) => ({ opset })),
  { fp16: true, opset: 13 },
  { fp16: true, opset: 21 },
];

/** Images of noise. */
const rows = () =>
  [0, 1, 2, 3].map((n) => ({
    data: [0, 1, 2].map((c) =>
      Array.from({ length: 32 }, (_, y) => Array.from({ length: 32 }, (_, x) => Math.sin(n + 7 * c + 13 * y + 29 * x))),
    ),
  }));

/** Has the checker read a model; throws what it says against it. */
function check(model: Uint8Array, folder: string): void {
  const path = join(folder, "model.onnx");
  writeFileSync(path, model);
  execFileSync(python, ["-c", CHECK, path], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
}

describe("converted files, by ONNX's own checker", () => {
  const folder = freshFolder();
  const why = reason();
  for (const opset of [13, 17, 21]) {
    const title = `int8 at opset ${opset} is valid and its shapes can be inferred`;
    if (why !== undefined) {
      it.skip(`${title} (${why})`);
      continue;
    }
    it(title, async () => {
      const calibrate = join(folder(), "rows.arrow");
      await saveRows(calibrate, rows());
      const { model } = await convert(NETS["classifier"]!, [], { opset, int8: true, calibrate, allowMissing: true });
      check(model, folder());
    });
  }
  for (const [name, net] of Object.entries(NETS)) {
    for (const options of OPTIONS) {
      const title = `${name} ${JSON.stringify(options)} is valid and its shapes can be inferred`;
      if (why !== undefined) {
        it.skip(`${title} (${why})`);
        continue;
      }
      it(title, async () => {
        const { model } = await convert(net, [], { ...options, allowMissing: true });
        check(model, folder());
      });
    }
  }
});
