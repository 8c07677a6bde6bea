import { has } from "../caffe/message.js";
import type { SolverParameter } from "../caffe/messages.js";
import type { Digest } from "../runs/digest.js";
import type { RunInfo } from "../runs/run-folder.js";

/** Settings of a run as a table compares them: what the solver's file says, and how it was trained. */
export function runSettings(
  { start }: Digest,
  solver: SolverParameter | undefined,
): Record<string, string | number | boolean> {
  const shown = (value: unknown): value is string | number | boolean =>
    ["string", "number", "boolean"].includes(typeof value);
  const given = Object.entries(solver ?? {}).filter(
    ([name, value]) =>
      shown(value) &&
      has(solver!, name as keyof SolverParameter & string) &&
      !["net", "snapshot_prefix"].includes(name),
  );
  const own = Object.fromEntries(
    given.map(([name, value]) => [name, typeof value === "number" ? asWritten(value) : value]),
  );
  if (!start) return own as Record<string, string | number | boolean>;
  const { net, solver: told, replicas, data } = start;
  return {
    net: net.name,
    parameters: net.parameters,
    type: told.type,
    lr_policy: told.lrPolicy,
    base_lr: asWritten(told.baseLr),
    max_iter: told.maxIter,
    replicas: replicas.count,
    ...(data[0] && { batch_size: data[0].batchSize }),
    ...own,
  };
}

/** Settings that a sweep tries in a run, by the paths of fields; none of other runs. */
export function sweptSettings(info: RunInfo | undefined): Record<string, string | number> {
  const swept = info?.settings["sweep"];
  if (typeof swept !== "object" || swept === null) return {};
  const texts = Object.entries(swept).map(([path, value]) => [path, String(value)] as const);
  return Object.fromEntries(texts.map(([path, text]) => [path, Number.isNaN(Number(text)) ? text : Number(text)]));
}

/** A float32 as a prototxt has it. */
const asWritten = (value: number): number => Number(value.toPrecision(7));
