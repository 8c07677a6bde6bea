import { NetrunError } from "../error.js";
import { spanOf } from "../text/notes.js";
import { mergeStates } from "./filter.js";
import { type Loaded, type LoadOptions, loadNet } from "./load.js";
import { amend, create, has } from "./message.js";
import { type NetParameter, type NetState, Phase, type SolverParameter } from "./messages.js";
import { upgradeNet } from "./upgrade.js";

/** A net that a solver asks for, in today's format and not yet filtered. */
export interface SolverNet {
  readonly net: NetParameter;
  /** The state to filter it with: the phase, then what the net's own `state` sets, then what the solver's sets. */
  readonly state: NetState;
  /** Origin, for messages: a path or the name of the solver's field. */
  readonly source: string;
  /** The folder that paths in it are looked up from after the working directory. */
  readonly baseDir: string;
}

/** A test net and the number of its batches that make a test. */
export interface TestNet extends SolverNet {
  readonly iterations: number;
}

/** A net that was loaded before the solver that names it. */
export interface LoadedNet {
  /** The path, as the solver has it. */
  readonly path: string;
  readonly loaded: Loaded<NetParameter>;
  /** Strictness it was loaded with; with another strictness it is loaded again. */
  readonly strict: boolean;
  /** The warnings of that, to give to whoever loads the solver. */
  readonly warnings: readonly NetrunError[];
}

/** Options to load the nets of a solver. */
export interface SolverNetsOptions extends LoadOptions {
  readonly known?: LoadedNet | undefined;
}

/** The nets of a solver. */
export interface SolverNets {
  readonly train: SolverNet;
  readonly test: readonly TestNet[];
}

const TRAIN_FIELDS = ["train_net_param", "train_net", "net_param", "net"] as const;

/**
 * The nets that a solver trains and tests, by Caffe's rules: exactly one of train_net_param, train_net, net_param and net is
 * trained; test_net_param, then test_net, then net_param or net as often as test_iter has values left, are tested.
 * Throws NetrunError where these do not fit. Source: Solver::InitTrainNet and InitTestNets of Caffe.
 */
export function solverNets(solver: SolverParameter, options: SolverNetsOptions = {}): SolverNets {
  if (solver.average_loss < 1) throw wrong(solver, "average_loss", "average_loss is at least 1");
  const load = netLoader(solver, options);
  const field = trainField(solver);
  const train = load(field, 0);
  const tested = testFields(solver);
  checkTests(solver, tested.length);
  const test = tested.map(([name, index], i) => {
    const net = load(name, index);
    return { ...net, state: stateOf(Phase.TEST, net.net, solver.test_state[i]), iterations: solver.test_iter[i]! };
  });
  return { train: { ...train, state: stateOf(Phase.TRAIN, train.net, solver.train_state) }, test };
}

/** A solver whose train net gets a level and further stages, as the flags -level and -stage say. */
export function withTrainState(
  solver: SolverParameter,
  state: { level?: number; stage?: readonly string[] },
): SolverParameter {
  return amend(solver, { train_state: mergeStates(solver.train_state, create("NetState", state)) });
}

function stateOf(phase: Phase, net: NetParameter, ofSolver: NetState | null | undefined): NetState {
  return mergeStates(create("NetState", { phase }), net.state, ofSolver ?? null);
}

function trainField(solver: SolverParameter): (typeof TRAIN_FIELDS)[number] {
  const given = TRAIN_FIELDS.filter((field) => has(solver, field));
  const names = TRAIN_FIELDS.join(", ");
  if (given.length === 0)
    throw new NetrunError("the solver names no net to train", {
      span: spanOf(solver),
      notes: [`add net: "FILE.prototxt" (or another of ${names})`],
    });
  if (given.length > 1)
    throw wrong(
      solver,
      given[1]!,
      `the solver names its train net twice: ${given.join(" and ")}`,
      `use one of ${names}`,
    );
  return given[0]!;
}

type NetField = (typeof TRAIN_FIELDS)[number] | "test_net" | "test_net_param";

/** The fields that name a test net each, in order, with the index in the field. */
function testFields(solver: SolverParameter): readonly (readonly [NetField, number])[] {
  const own = [
    ...solver.test_net_param.map((_, i) => ["test_net_param", i] as const),
    ...solver.test_net.map((_, i) => ["test_net", i] as const),
  ];
  const shared = has(solver, "net_param") ? "net_param" : has(solver, "net") ? "net" : undefined;
  const wanted = solver.test_iter.length;
  if (shared === undefined ? wanted !== own.length : wanted < own.length)
    throw wrong(
      solver,
      wanted > 0 ? "test_iter" : own[0]![0],
      `${own.length} test nets need one test_iter each, found ${wanted}`,
    );
  const more = shared === undefined ? [] : Array.from({ length: wanted - own.length }, () => [shared, 0] as const);
  return [...own, ...more];
}

function checkTests(solver: SolverParameter, count: number): void {
  const states = solver.test_state.length;
  if (states > 0 && states !== count)
    throw wrong(solver, "test_state", `test_state is given once per test net (${count}) or never, found ${states}`);
  if (count > 0 && solver.test_interval <= 0)
    throw wrong(
      solver,
      has(solver, "test_interval") ? "test_interval" : "test_iter",
      "testing needs a test_interval of at least 1",
      "add test_interval: 500 to test every 500 iterations, or remove test_iter",
    );
}

/** Loads a net by the field that names it; the file that train and test nets share is read and warned about once. */
function netLoader(solver: SolverParameter, options: SolverNetsOptions) {
  const loaded = new Map<string, Omit<SolverNet, "state">>();
  return (field: NetField, index: number): Omit<SolverNet, "state"> => {
    const key = `${field} ${index}`;
    const net = loaded.get(key) ?? loadField(solver, field, index, options);
    loaded.set(key, net);
    return net;
  };
}

function loadField(
  solver: SolverParameter,
  field: NetField,
  index: number,
  { known, ...options }: SolverNetsOptions,
): Omit<SolverNet, "state"> {
  const values = solver[field];
  const value = (Array.isArray(values) ? values[index] : values) as string | NetParameter;
  if (typeof value !== "string") {
    const net = upgradeNet(value, options.onWarning).message;
    return { net, source: field, baseDir: options.baseDir ?? "." };
  }
  if (known && known.path === value && known.strict === (options.strict ?? false)) {
    for (const warning of known.warnings) options.onWarning?.(warning);
    const { message, path, baseDir } = known.loaded;
    return { net: message, source: path ?? field, baseDir };
  }
  const { message, path, baseDir } = loadNet(value, { ...options, span: spanOf(solver, field, index) });
  return { net: message, source: path ?? field, baseDir };
}

function wrong(
  solver: SolverParameter,
  field: keyof SolverParameter,
  message: string,
  ...notes: string[]
): NetrunError {
  return new NetrunError(message, { span: spanOf(solver, field) ?? spanOf(solver), notes });
}
