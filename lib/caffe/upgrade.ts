import { NetrunError } from "../error.js";
import { noteSpan, spanOf } from "../text/notes.js";
import { hasForkNames, renameForkFields } from "./forks/names.js";
import { amend, create, has, type Message } from "./message.js";
import {
  type DataParameter,
  type ImageDataParameter,
  type NetParameter,
  type SolverParameter,
  SolverParameter_SolverType as SolverType,
  type TransformationParameter,
  V1LayerParameter_LayerType as V1Type,
  type WindowDataParameter,
} from "./messages.js";
import { upgradeV0 } from "./upgrade-v0.js";
import { upgradeV1 } from "./upgrade-v1.js";

type Warn = (warning: NetrunError) => void;

/** One step from an old format towards today's. */
interface Pass<M extends Message> {
  /** Old format of the user's file: "V1 layers". */
  readonly name: string;
  applies(message: M): boolean;
  upgrade(message: M, warn: Warn): M;
}

/** In Caffe's order: each pass relies on those before. Source: Caffe's util/upgrade_proto.cpp. */
const NET_PASSES: readonly Pass<NetParameter>[] = [
  { name: "V0 layers", applies: (net) => net.layers.some((layer) => has(layer, "layer")), upgrade: upgradeV0 },
  { name: "transformation fields in data layers", applies: hasTransformFields, upgrade: upgradeTransform },
  { name: "V1 layers", applies: (net) => has(net, "layers"), upgrade: upgradeV1 },
  { name: "input fields", applies: (net) => has(net, "input"), upgrade: upgradeInputs },
  { name: "forks' names of fields", applies: hasForkNames, upgrade: renameForkFields },
  {
    name: "losses of HED's fork",
    applies: (net) => isHed(net) && net.layer.some(isUnbalanced),
    upgrade: balanceLosses,
  },
  { name: "BatchNorm param specs", applies: (net) => net.layer.some(isOldBatchNorm), upgrade: upgradeBatchNorm },
];

const SOLVER_PASSES: readonly Pass<SolverParameter>[] = [
  { name: "solver_type", applies: (solver) => has(solver, "solver_type"), upgrade: upgradeSolverType },
];

/** A message in today's format, and the names of the old things that were in it. */
export interface Upgraded<M> {
  readonly message: M;
  readonly passes: readonly string[];
}

/**
 * A net in today's format: V0 and V1 layers, `input` fields and the like are rewritten; places in the text are kept.
 * Throws NetrunError where Caffe cannot upgrade it either; what has to be left out is told to `warn`.
 */
export function upgradeNet(net: NetParameter, warn: Warn = () => {}): Upgraded<NetParameter> {
  const upgraded = run(NET_PASSES, net, warn);
  for (const layer of upgraded.message.layer) for (const warning of ignoredFields(layer)) warn(warning);
  return upgraded;
}

/** Only V1's data layers are upgraded; in today's, Caffe accepts the old fields and never looks at them. */
function* ignoredFields(layer: NetParameter["layer"][number]): Iterable<NetrunError> {
  for (const name of Object.values(DATA_PARAMS)) {
    const param = layer[name];
    for (const field of param ? TRANSFORM_FIELDS.filter((field) => has(param, field)) : [])
      yield new NetrunError(`layer "${layer.name}": ${name}.${field} has no effect, in Caffe as here`, {
        span: spanOf(param!, field),
        notes: [`write transform_param { ${field}: ... } in the layer instead`],
      });
  }
}

/** A solver in today's format. Throws NetrunError if it has both `type` and `solver_type`. */
export function upgradeSolver(solver: SolverParameter, warn: Warn = () => {}): Upgraded<SolverParameter> {
  return run(SOLVER_PASSES, solver, warn);
}

function run<M extends Message>(passes: readonly Pass<M>[], message: M, warn: Warn): Upgraded<M> {
  const names: string[] = [];
  let upgraded = message;
  for (const pass of passes) {
    if (!pass.applies(upgraded)) continue;
    upgraded = pass.upgrade(upgraded, warn);
    names.push(pass.name);
  }
  return { message: upgraded, passes: names };
}

/** The message with a data layer's own parameters, by its V1 type, that once held the fields of TransformationParameter. */
const DATA_PARAMS = {
  [V1Type.DATA]: "data_param",
  [V1Type.IMAGE_DATA]: "image_data_param",
  [V1Type.WINDOW_DATA]: "window_data_param",
} as const;

const TRANSFORM_FIELDS = ["scale", "mean_file", "crop_size", "mirror"] as const;

type Layer = NetParameter["layers"][number];
type DataParam = DataParameter | ImageDataParameter | WindowDataParameter;

function transformFields(layer: Layer): readonly (typeof TRANSFORM_FIELDS)[number][] {
  const param = dataParam(layer);
  return param ? TRANSFORM_FIELDS.filter((field) => has(param, field)) : [];
}

function dataParam(layer: Layer): DataParam | null {
  const name = DATA_PARAMS[layer.type as keyof typeof DATA_PARAMS];
  return name ? layer[name] : null;
}

function hasTransformFields(net: NetParameter): boolean {
  return net.layers.some((layer) => transformFields(layer).length > 0);
}

function upgradeTransform(net: NetParameter): NetParameter {
  const layers = net.layers.map((layer) => {
    const fields = transformFields(layer);
    if (fields.length === 0) return layer;
    const param = dataParam(layer)!;
    const moved = Object.fromEntries(fields.map((field) => [field, param[field]])) as Partial<TransformationParameter>;
    const transform = amend<TransformationParameter>(layer.transform_param ?? create("TransformationParameter"), moved);
    noteSpan(transform, spanOf(layer.transform_param ?? param));
    const rest = amend<DataParam>(param, Object.fromEntries(fields.map((field) => [field, null])));
    return amend(layer, {
      transform_param: transform,
      [DATA_PARAMS[layer.type as keyof typeof DATA_PARAMS]]: rest,
    });
  });
  return amend(net, { layers });
}

/** `input` with `input_shape`, or four `input_dim` each, become one Input layer in front. */
function upgradeInputs(net: NetParameter, warn: Warn): NetParameter {
  const spare = 4 * net.input.length;
  if (!has(net, "input_shape") && net.input_dim.length > spare)
    warn(
      new NetrunError(`${net.input_dim.length} input_dim for ${net.input.length} input, which take 4 each`, {
        span: spanOf(net, "input_dim", spare),
        notes: ["those from here on have no effect, in Caffe as here"],
      }),
    );
  const dims = has(net, "input_shape")
    ? net.input_shape.map(({ dim }) => dim)
    : net.input.map((_, i) => net.input_dim.slice(4 * i, 4 * i + 4)).filter((dim) => dim.length === 4);
  if (dims.length < net.input.length) warn(openInput(net, dims.length));
  const shaped = net.input.slice(0, dims.length);
  const layers = [
    ...(shaped.length > 0 ? [inputLayer(net, shaped, dims)] : []),
    ...net.input.slice(dims.length).map((name) => inputLayer(net, [name], [])),
  ];
  return amend(net, { input: null, input_shape: null, input_dim: null, layer: [...layers, ...net.layer] });
}

/** An Input layer, without shapes where there are no dims. */
function inputLayer(
  net: NetParameter,
  top: string[],
  dims: readonly (readonly number[])[],
): NetParameter["layer"][number] {
  const param = dims.length > 0 ? { input_param: { shape: top.map((_, i) => ({ dim: [...dims[i]!] })) } } : {};
  const layer = create("LayerParameter", { name: "input", type: "Input", top, ...param });
  noteSpan(layer, spanOf(net, "input", net.input.indexOf(top[0]!)));
  return layer;
}

/** Warning for an `input` whose shape the program gave that ran the net. */
function openInput(net: NetParameter, index: number): NetrunError {
  const name = net.input[index]!;
  return new NetrunError(`input "${name}" has no shape`, {
    span: spanOf(net, "input", index),
    notes: [
      "give each input an input_shape { dim: ... }, or four input_dim, in order",
      `or say it where the net is used: --shape ${name}=1,3,224,224`,
    ],
  });
}

function isOldBatchNorm({ type, param }: NetParameter["layer"][number]): boolean {
  return (
    type === "BatchNorm" && param.length === 3 && param.some((spec) => spec.lr_mult !== 0 || spec.decay_mult !== 0)
  );
}

/** BatchNorm's blobs are statistics; files that set their multipliers did so to keep the solver off them. */
function upgradeBatchNorm(net: NetParameter): NetParameter {
  const freeze = (layer: NetParameter["layer"][number]) =>
    amend(layer, { param: layer.param.map((spec) => amend(spec, { lr_mult: 0, decay_mult: 0 })) });
  return amend(net, { layer: net.layer.map((layer) => (isOldBatchNorm(layer) ? freeze(layer) : layer)) });
}

/** HED's fork alone has this data layer; its SigmoidCrossEntropyLoss balances edges and the rest, without a field that says so. */
const isHed = (net: NetParameter): boolean => net.layer.some(({ type }) => type === "ImageLabelmapData");

const isUnbalanced = ({ type, loss_param: param }: NetParameter["layer"][number]): boolean =>
  type === "SigmoidCrossEntropyLoss" && !(param && has(param, "class_balanced"));

function balanceLosses(net: NetParameter): NetParameter {
  const balanced = (layer: NetParameter["layer"][number]) =>
    amend(layer, { loss_param: amend(layer.loss_param ?? create("LossParameter"), { class_balanced: true }) });
  return amend(net, { layer: net.layer.map((layer) => (isUnbalanced(layer) ? balanced(layer) : layer)) });
}

const SOLVER_TYPES = {
  SGD: "SGD",
  NESTEROV: "Nesterov",
  ADAGRAD: "AdaGrad",
  RMSPROP: "RMSProp",
  ADADELTA: "AdaDelta",
  ADAM: "Adam",
} as const satisfies Record<keyof typeof SolverType, string>;

function upgradeSolverType(solver: SolverParameter): SolverParameter {
  if (has(solver, "type"))
    throw new NetrunError("a solver has either `type` or the old `solver_type`, not both", {
      span: spanOf(solver, "solver_type"),
      notes: [`remove solver_type to use type: "${solver.type}"`],
    });
  const name = Object.entries(SolverType).find(([, number]) => number === solver.solver_type)![0];
  return amend(solver, { solver_type: null, type: SOLVER_TYPES[name as keyof typeof SolverType] });
}
