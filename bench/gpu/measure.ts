/**
 * Times training and inference on a device in one rounding, in a process of its own, since CUDA's libraries take that when they load:
 * `node measure.js JSON` with a `Request`; the last line that it prints is a `Measured`.
 */
import { runtimeOf, type SessionOptions } from "./runtime.js";
import { type Inference, timeInference } from "./infer.js";
import { netsOf } from "./nets.js";
import { matrixRate } from "./peak.js";
import { type TorchTraining, timeTorch } from "./torch.js";
import { type Training, timeTraining } from "./train.js";

/** Subject of a measurement. */
export interface Request {
  readonly provider: "cpu" | "cuda";
  readonly tf32: boolean;
  readonly isDry: boolean;
  readonly nets: readonly string[];
  /** A Python that has PyTorch. */
  readonly python?: string | undefined;
}

/** Result of a measurement. */
export interface Measured {
  /** GF/s of large matrix products. */
  readonly matrixGflops: number;
  readonly training: readonly (Training & { readonly torch?: TorchTraining | undefined })[];
  readonly inference: readonly Inference[];
}

const request = JSON.parse(process.argv[2]!) as Request;
const { provider, tf32, isDry, python } = request;
const session: SessionOptions = await runtimeOf(provider, tf32);
const where = { ...session, loop: true };
const matrixGflops = await matrixRate(session, isDry ? 128 : 8192, isDry ? 2 : 20);
const training: Measured["training"][number][] = [];
for (const net of netsOf(isDry).filter(({ name }) => request.nets.includes(name))) {
  const own = await timeTraining(net, where, isDry ? 1 : 5, isDry ? 1 : 3000);
  const torch = python === undefined ? undefined : await timeTorch(python, net, provider, tf32);
  training.push({ ...own, ...(torch && { torch }) });
  process.stderr.write(`${net.name} ${net.batch}: ${own.imagesPerSecond.toFixed(0)} images/s\n`);
}
const inference: Inference[] = [];
if (request.nets.includes("resnet50"))
  for (const batch of isDry ? [1] : [1, 32])
    inference.push(await timeInference(session, batch, isDry ? 1 : 30, python !== undefined));
console.log(JSON.stringify({ matrixGflops, training, inference } satisfies Measured));
process.exit(0);
