import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count } from "../../lib/graph/index.js";
import { convert, Net } from "../../lib/index.js";
import { openModelFile } from "../../lib/onnx/file.js";
import type { SessionOptions } from "../../lib/onnx/session.js";
import { noise } from "../../lib/run/noise.js";
import { hashWeights } from "../../spec/support/hashed.js";
import { NETS } from "../inference/nets.js";
import { exportByPyTorch } from "../inference/peers.js";

/** Milliseconds of a run of ResNet-50, medians. */
export interface Inference {
  readonly batch: number;
  readonly netrunMs: number;
  /** The file that PyTorch exports of the same layers, in onnxruntime as well. */
  readonly torchExportMs?: number;
}

/** Times ResNet-50's converted file and, where there is a Python with PyTorch, what that exports. */
export async function timeInference(
  session: SessionOptions,
  batch: number,
  runs: number,
  hasTorch: boolean,
): Promise<Inference> {
  const folder = mkdtempSync(join(tmpdir(), "netrun-bench-"));
  try {
    const [prototxt, caffemodel] = [join(folder, "net.prototxt"), join(folder, "net.caffemodel")];
    writeFileSync(prototxt, NETS["resnet50"]!());
    await using net = await Net.load(prototxt);
    hashWeights(net);
    await net.save(caffemodel);
    const { model } = await convert(prototxt, caffemodel, { verify: false });
    const netrunMs = await medianOf(model, session, batch, runs);
    if (!hasTorch) return { batch, netrunMs };
    return { batch, netrunMs, torchExportMs: await medianOf(exportByPyTorch(net, folder), session, batch, runs) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function medianOf(
  model: string | Uint8Array,
  session: SessionOptions,
  batch: number,
  runs: number,
): Promise<number> {
  await using file = await openModelFile(model, session);
  const shape = [batch, 3, 224, 224];
  const inputs = { [file.inputs[0]!.name]: { shape, data: noise(count(shape), 3) } };
  const ms: number[] = [];
  // Two that do not count choose kernels and take memory.
  for (let i = 0; i < runs + 2; i++) {
    const started = performance.now();
    await file.run(inputs);
    ms.push(performance.now() - started);
  }
  return ms.slice(2).sort((a, b) => a - b)[runs >> 1]!;
}
