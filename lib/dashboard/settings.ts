import { has } from "../caffe/message.js";
import type { SolverParameter } from "../caffe/messages.js";
import type { Digest } from "../runs/digest.js";

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

/** A float32 as a prototxt has it. */
const asWritten = (value: number): number => Number(value.toPrecision(7));
