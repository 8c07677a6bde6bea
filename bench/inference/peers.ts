import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Net } from "../../lib/index.js";
import { PoolingParameter_PoolMethod, sub } from "../../lib/index.js";

/** The Python that has OpenCV and PyTorch: Debian's own has its packages. */
const python = process.env["PYTHON"] ?? "/usr/bin/python3";
const script = "bench/inference/peers.py";

/** The peers' versions. Ends the program if one is missing. */
export function peerVersions(): string {
  try {
    return execFileSync(python, [script, "versions"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch (error) {
    const { stderr = "" } = error as { stderr?: string };
    console.error(`${python} lacks a peer: ${stderr.trim().split("\n").at(-1)}`);
    console.error("apt-get install python3-opencv python3-torch, or PYTHON names another that has both");
    process.exit(1);
  }
}

/** Has PyTorch export the net's layers with its weights; the file's path. */
export function exportByPyTorch(net: Net, folder: string): string {
  const parts: Float32Array[] = [];
  let start = 0;
  const slotsOf = (name: string) =>
    (net.params.get(name) ?? []).map(({ shape, data }) => {
      const slot = { start, shape };
      parts.push(data);
      start += data.length;
      return slot;
    });
  const layers = net.parameter.layer.flatMap((layer, i, all) => {
    if (layer.type === "Input" || layer.type === "Scale") return [];
    const { name, type, bottom, top } = layer;
    const blobs = slotsOf(name);
    // BatchNorm's third blob is 1 here; Scale follows with what PyTorch has in the same module.
    const own = type === "BatchNorm" ? [...blobs.slice(0, 2), ...slotsOf(all[i + 1]!.name)] : blobs;
    return [{ type, bottom, top, param: paramOf(layer), blobs: own }];
  });
  const [json, bin, out] = ["net.json", "weights.bin", "pytorch.onnx"].map((file) => join(folder, file)) as [
    string,
    string,
    string,
  ];
  writeFileSync(json, JSON.stringify(layers));
  writeFileSync(bin, Buffer.concat(parts.map((data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))));
  execFileSync(python, [script, "export", json, bin, out], { stdio: ["ignore", "ignore", "inherit"] });
  return out;
}

/** A layer's parameters, as far as PyTorch's modules take them. */
function paramOf(layer: Net["parameter"]["layer"][number]): object {
  switch (layer.type) {
    case "Convolution": {
      const { stride, pad, group } = sub(layer, "convolution_param");
      return { stride: stride[0] ?? 1, pad: pad[0] ?? 0, group };
    }
    case "Pooling": {
      const { kernel_size, stride, pad, pool, global_pooling } = sub(layer, "pooling_param");
      return {
        kernel: kernel_size,
        stride,
        pad,
        max: pool === PoolingParameter_PoolMethod.MAX,
        global: global_pooling,
      };
    }
    case "LRN": {
      const { local_size, alpha, beta, k } = sub(layer, "lrn_param");
      return { size: local_size, alpha, beta, k };
    }
    case "BatchNorm":
      return { eps: sub(layer, "batch_norm_param").eps };
    default:
      return {};
  }
}

/** OpenCV's dnn in a process of its own. */
export class OpenCv implements Disposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #folder: string;

  constructor(folder: string, prototxt: string, caffemodel: string, threads: number) {
    this.#folder = folder;
    this.#process = spawn(python, [script, "opencv", prototxt, caffemodel, String(threads)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#reader = createInterface({ input: this.#process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Runs images some times; the milliseconds of each run and the last output. */
  async run(data: Float32Array, runs: number): Promise<{ readonly ms: readonly number[]; readonly out: Float32Array }> {
    const [from, to] = ["opencv-in.bin", "opencv-out.bin"].map((file) => join(this.#folder, file)) as [string, string];
    writeFileSync(from, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#process.stdin.write(`${JSON.stringify({ data: from, runs, out: to })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("OpenCV's process ended");
    const bytes = readFileSync(to);
    return {
      ms: (JSON.parse(value) as { ms: number[] }).ms,
      out: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
    };
  }

  [Symbol.dispose](): void {
    this.#reader.close();
    this.#process.stdin.end();
  }
}
