import { Solver, type SolverOptions } from "../../lib/index.js";
import { checkLayer } from "../../spec/support/golden-layer.js";
import { goldenCases } from "../../spec/support/shared.js";
import type { StepNet } from "../step/nets.js";
import { batchOf, solverText } from "./nets.js";

/** A provider as options have it. */
export type Where = Pick<SolverOptions, "provider" | "devices" | "loop" | "tf32" | "threads">;

/** True if a device computes what the CPU does. */
export interface Correctness {
  readonly layers: number;
  /** Layers whose outputs or gradients are not Caffe's there, with what differs. */
  readonly wrongLayers: Readonly<Record<string, string>>;
  /** Greatest difference of a loss from the CPU's, of the iterations of a net. */
  readonly losses: Readonly<Record<string, { readonly iterations: number; readonly difference: number }>>;
}

/** Iterations whose losses are compared, and by how much each may differ. */
const COMPARED = { lenet: 50, cifar: 30 } as const;
export const TOLERANCE = 1e-3;

/** Runs every layer's golden net, and trains two nets there and on the CPU. */
export async function correctness(where: Where, nets: readonly StepNet[]): Promise<Correctness> {
  const wrongLayers: Record<string, string> = {};
  const names = goldenCases("layers");
  for (const name of names) {
    const { provider, devices } = where;
    await checkLayer(name, { ...(provider && { provider }), ...(devices && { devices }) }).catch((error: Error) => {
      wrongLayers[name] = error.message;
    });
  }
  const losses: Record<string, Correctness["losses"][string]> = {};
  for (const [name, iterations] of Object.entries(COMPARED)) {
    const net = nets.find((each) => each.name === name)!;
    const there = await lossesOf(net, iterations, where);
    const here = await lossesOf(net, iterations, { loop: false, ...(where.threads && { threads: where.threads }) });
    const difference = Math.max(...here.map((loss, i) => Math.abs(loss - (there[i] ?? Number.NaN))));
    losses[name] = { iterations, difference };
  }
  return { layers: names.length, wrongLayers, losses };
}

/** Errors, in a line each; none where all is right. */
export const faultsOf = ({ wrongLayers, losses }: Correctness): readonly string[] => [
  ...Object.entries(wrongLayers).map(([name, message]) => `layer ${name}: ${message}`),
  ...Object.entries(losses)
    .filter(([, { difference }]) => !(difference <= TOLERANCE))
    .map(([name, { difference }]) => `${name}: losses differ by ${difference} from the CPU's`),
];

async function lossesOf(net: StepNet, iterations: number, where: Where): Promise<readonly number[]> {
  await using solver = await Solver.load(solverText(net, "0.001"), { name: net.name, ...where });
  return await solver.step(iterations, batchOf(net));
}
