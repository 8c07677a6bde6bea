import type { Measured } from "./measure.js";

/** Results by the rounding in which they were measured. */
export interface GpuResults {
  readonly device: string;
  readonly float32: Measured;
  readonly tf32?: Measured;
}

/** Parts of PyTorch's eager training throughput, in float32, that netrun's is to have. */
const TARGETS: Readonly<Record<string, number>> = { lenet: 1, cifar: 1, caffenet: 0.7, resnet50: 0.7 };

const eagerRate = ({ stepMs, torch }: Measured["training"][number]): number | undefined =>
  torch?.eagerMs === undefined ? undefined : torch.eagerMs / stepMs;

/** Cases slower than they have to be, in words; empty where there is no PyTorch to compare with. */
export function shortfallsOf({ float32 }: GpuResults): readonly string[] {
  const training = float32.training.flatMap((each) => {
    const [rate, target] = [eagerRate(each), TARGETS[each.net]];
    if (rate === undefined || target === undefined || rate >= target) return [];
    return [`${each.net} trains at ${rate.toFixed(2)} of PyTorch's speed, ${target} is wanted`];
  });
  const inference = float32.inference.flatMap(({ batch, netrunMs, torchExportMs }) =>
    torchExportMs === undefined || netrunMs <= torchExportMs
      ? []
      : [
          `ResNet-50's file at batch ${batch} takes ${netrunMs.toFixed(1)} ms, PyTorch's export ${torchExportMs.toFixed(1)}`,
        ],
  );
  return [...training, ...inference];
}

/** The results as a table. */
export function tableOf(results: GpuResults): string {
  const lines = (["float32", "tf32"] as const).flatMap((rounding) => {
    const measured = results[rounding];
    if (!measured) return [];
    return measured.training.map((each) => {
      const { net, batch, imagesPerSecond, stepMs, outsideMs, gflop, torch } = each;
      const by = (ms: number | undefined) => (ms === undefined ? "" : (ms / stepMs).toFixed(2));
      const share = (100 * (gflop / stepMs) * 1000) / measured.matrixGflops;
      const cells = [
        `${net} ${batch}`,
        rounding,
        imagesPerSecond.toFixed(0),
        stepMs.toFixed(2),
        outsideMs.toFixed(2),
        `${share.toFixed(0)} %`,
        (each.bytesPerIteration / 1e6).toFixed(1),
        (each.bytesPerRound / each.iterationsPerRound / 1e6).toFixed(1),
        by(torch?.eagerMs),
        by(torch?.compiledMs),
      ];
      return `| ${cells.join(" | ")} |`;
    });
  });
  const inference = results.float32.inference.map(
    ({ batch, netrunMs, torchExportMs }) =>
      `ResNet-50's converted file at batch ${batch}: ${netrunMs.toFixed(2)} ms${torchExportMs === undefined ? "" : `, PyTorch's export ${torchExportMs.toFixed(2)} ms`}`,
  );
  return [
    results.device,
    "",
    "| net, batch | rounding | images/s | ms a step | of it outside onnxruntime | of the matrix rate | MB up an iteration | MB of weights and history an iteration | PyTorch eager / netrun | compiled / netrun |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
    ...inference,
  ].join("\n");
}
