import { create, sub as message } from "../../caffe/message.js";
import type { LSTMConvolutionParameter, LSTMDebugParameter } from "../../caffe/messages.js";
import { sameShape, type Value } from "../../graph/index.js";
import { add, concat, conv, mul, reshape, stopGradient, zeros } from "../../ops/index.js";
import { indicators } from "../implied.js";
import { type BlobSpec, bottomText, computeLayer, type Place } from "../layer.js";
import { lstmStep } from "../lstm-unit.js";
import { flagsOf, joinSteps, step } from "../recurrent.js";

/** Gates, in the order i, f, o, g. */
const GATES = 4;

/** The parameters of the convolutions over the inputs and over the hidden states. */
interface Convolutions {
  readonly input: LSTMConvolutionParameter;
  readonly hidden: LSTMConvolutionParameter;
}

/** One of a layer's two convolutions: its kernel, and what keeps the planes' size. */
interface OneConvolution {
  readonly kernel: readonly [number, number];
  readonly pads: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly group: number;
}

/**
 * ConvLSTM (agethen): gates_t = X * x_t + H * (cont_t h_(t-1)) + b + V c_(t-1), then LSTMUnit's step; X and H are convolutions that
 * keep height and width, and V weights of their own at each place for the gates i, f and o. Bottoms x [t, n, c, h, w], cont [t, n]
 * (0 where a stream's sequence begins, else 1), and with `expose_hidden` the first hidden and cell states [1, n, d, h, w]; tops y
 * [t, n, d, h, w] and, exposed, the last states, which have no gradient; else they go on from one forward to the next.
 * `lstm_conv_param` is for both convolutions, or given twice, with `type: "input"` and `type: "hidden"`; d is its num_output.
 * `lstm_debug_param` may leave out x (`ignore_x`) or V (`disable_hadamard`); `axis_hadamard` and `num_axes_hadamard` say which axes of
 * a state V has. Blobs: X of each gate, then H [d, d, ...] and b [d] of each gate, then V of i, f and o, ones before training.
 * Source: agethen/ConvLSTM-for-Caffe, conv_lstm_layer.cpp.
 */
export const ConvLSTM = computeLayer({
  type: "ConvLSTM",
  param: "lstm_debug_param",
  also: ["lstm_conv_param", "recurrent_param"],
  implies: indicators,
  bottoms: [2, 4],
  tops: [1, 3],
  noGradientTo: [1],
  family: "convolution",
  blobs(place) {
    const { channels, outputs, planes } = sequenceOf(place);
    const { input, hidden } = convolutionsOf(place);
    const kernels = (param: LSTMConvolutionParameter, from: number): BlobSpec => {
      const { kernel, group } = checked(place, param, from);
      return { shape: [outputs, from / group, ...kernel], filler: message(param, "weight_filler") };
    };
    const bias: BlobSpec = { shape: [outputs], filler: message(hidden, "bias_filler") };
    const ofGates = <T>(of: () => readonly T[]) => Array.from({ length: GATES }, of).flat();
    const x = place.param.ignore_x ? [] : ofGates(() => [kernels(input, channels)]);
    const h = ofGates(() => (hidden.bias_term ? [kernels(hidden, outputs), bias] : [kernels(hidden, outputs)]));
    const peephole: BlobSpec = {
      shape: peepholeShape(place, [1, planes[0], outputs, planes[1], planes[2]]),
      filler: create("FillerParameter", { type: "constant", value: 1 }),
      unitAxis: null,
    };
    return [...x, ...h, ...(place.param.disable_hadamard ? [] : [peephole, peephole, peephole])];
  },
  lower(site) {
    const { steps, channels, outputs, planes, hidden: states } = sequenceOf(site);
    const [streams, height, width] = planes;
    const { input, hidden } = convolutionsOf(site);
    const blobs = [...site.blobs];
    const wx = site.param.ignore_x ? undefined : blobs.splice(0, GATES);
    const wh = Array.from({ length: GATES }, () => blobs.splice(0, hidden.bias_term ? 2 : 1));
    const state = [1, streams, outputs, height, width];
    const peepholes = blobs.map((v) => reshape(v, broadcastShape(site, state)));
    const gates = [1, streams, GATES * outputs, height, width];
    const x = site.bottoms[0]!;
    const ofInput = checked(site, input, channels);
    const all =
      wx &&
      reshape(
        convolve(
          reshape(x, [steps * streams, channels, height, width]),
          wx.map((w) => [w]),
          ofInput,
        ),
        [steps, ...gates.slice(1)],
      );
    const ofHidden = checked(site, hidden, outputs);
    const first = states ?? [site.carry(state), site.carry(state)];
    let [h, c] = first as [Value, Value];
    const tops: Value[] = [];
    for (let t = 0; t < steps; t++) {
      const cont = reshape(flagsOf(site.bottoms[1]!, t), [1, streams, 1, 1, 1]);
      const kept = reshape(mul(h, cont), state.slice(1));
      let sum = reshape(convolve(kept, wh, ofHidden), gates);
      if (all) sum = add(sum, step(all, t));
      if (peepholes.length > 0) sum = add(sum, seen(c, peepholes));
      [c, h] = lstmStep(c, sum, cont);
      tops.push(h);
    }
    const y = joinSteps(tops);
    if (states) return { tops: [y, stopGradient(h), stopGradient(c)] };
    return { tops: [y], state: new Map([[first[0]!, h] as const, [first[1]!, c] as const]) };
  },
});

/** Cells by weights of the gates i, f and o, and 0 for g: [1, n, 4d, h, w]. */
function seen(c: Value, peepholes: readonly Value[]): Value {
  const products = peepholes.map((v) => mul(c, v));
  return concat([...products, zeros(c.type.shape)], 2);
}

/** The gates' convolutions of x [n, c, h, w], one after another along the channels. */
function convolve(x: Value, blobs: readonly (readonly Value[])[], { pads, dilations, group }: OneConvolution): Value {
  const attrs = { strides: [1, 1], pads, dilations, group };
  if (group > 1)
    return concat(
      blobs.map(([w, b]) => conv(x, w!, attrs, b)),
      1,
    );
  const [weights, biases] = [blobs.map(([w]) => w!), blobs.flatMap(([, b]) => (b ? [b] : []))];
  return conv(x, concat(weights, 0), attrs, biases.length > 0 ? concat(biases, 0) : undefined);
}

/** Steps, channels of x and of a state, streams with their height and width, and the exposed states. */
function sequenceOf(place: Place<LSTMDebugParameter>) {
  const { layer, bottoms, error, bottomError, topCount } = place;
  const { expose_hidden: isExposed } = message(layer, "recurrent_param");
  const states = isExposed ? 2 : 0;
  const [x, cont] = bottoms.map(({ type }) => type.shape) as [readonly number[], readonly number[]];
  if (bottoms.length !== 2 + states || topCount !== 1 + states)
    throw error(
      `${2 + states} bottoms and ${1 + states} tops are needed, not ${bottoms.length} and ${topCount}`,
      bottoms.length === 2 + states ? "top" : "bottom",
      [
        "with expose_hidden: true the hidden and cell states are two bottoms and two tops more; a static input is not supported",
      ],
    );
  if (x.length !== 5 || x.some((dim) => dim === 0))
    throw bottomError(0, `${bottomText(place, 0)} is not [timesteps, streams, channels, height, width]`);
  const [steps, streams, channels, height, width] = x as [number, number, number, number, number];
  if (!sameShape(cont, [steps, streams]))
    throw bottomError(1, `${bottomText(place, 1)}, the continuation flags, is not [${steps},${streams}]`);
  const { num_output: outputs } = convolutionsOf(place).input;
  if (outputs <= 0) throw error("num_output must be greater than 0", "lstm_conv_param");
  const state = [1, streams, outputs, height, width];
  bottoms.slice(2).forEach(({ type }, i) => {
    if (!sameShape(type.shape, state))
      throw bottomError(i + 2, `${bottomText(place, i + 2)}, a state, is not [${state}]`);
  });
  return {
    steps,
    channels,
    outputs,
    planes: [streams, height, width] as const,
    hidden: isExposed ? bottoms.slice(2).map(stopGradient) : undefined,
  };
}

/** The parameters of both convolutions, one for both or one each. */
function convolutionsOf({ layer, error }: Place<unknown>): Convolutions {
  const params = layer.lstm_conv_param;
  const [first, second] = params;
  if (!first || params.length > 2)
    throw error(`lstm_conv_param is given ${params.length} times`, "lstm_conv_param", [
      "give it once, or for input and hidden",
    ]);
  const other = second ?? first;
  if (other.num_output !== first.num_output)
    throw error("the convolutions of input and hidden differ in num_output", "lstm_conv_param");
  return { input: first.type === "hidden" ? other : first, hidden: first.type === "input" ? other : first };
}

/** The kernel of a convolution from a number of channels. Throws unless it keeps height and width. */
function checked({ error }: Place<unknown>, param: LSTMConvolutionParameter, from: number): OneConvolution {
  const pair = (field: "kernel_size" | "pad" | "stride" | "dilation", fallback: number) => {
    const [h = fallback, w = h] = param[field];
    return [h, w] as const;
  };
  const [kernel, pads, dilations] = [pair("kernel_size", 0), pair("pad", 0), pair("dilation", 1)];
  if (kernel.some((side) => side <= 0)) throw error("kernel_size is missing", "lstm_conv_param");
  const { group } = param;
  if (group <= 0 || from % group !== 0 || param.num_output % group !== 0)
    throw error(
      `group ${group} does not divide ${from} channels and num_output ${param.num_output}`,
      "lstm_conv_param",
    );
  const keeps = kernel.every((side, i) => 2 * pads[i]! === (side - 1) * dilations[i]!);
  if (!keeps || pair("stride", 1).some((stride) => stride !== 1))
    throw error("the convolutions do not keep height and width", "lstm_conv_param", [
      "pad: (kernel_size - 1) / 2 keeps them",
    ]);
  return { kernel, pads, dilations, group };
}

/** Shape of the weights of a state's entries: that of the axes that they have. */
function peepholeShape({ param, error }: Place<LSTMDebugParameter>, state: readonly number[]): readonly number[] {
  const { axis_hadamard: axis, num_axes_hadamard: axes } = param;
  if (axis + axes > state.length)
    throw error(
      `axis_hadamard ${axis} and num_axes_hadamard ${axes} are of more than ${state.length} axes`,
      "axis_hadamard",
    );
  return state.slice(axis, axis + axes);
}

/** The same with an axis of 1 for the others. */
const broadcastShape = ({ param }: Place<LSTMDebugParameter>, state: readonly number[]): readonly number[] => {
  const { axis_hadamard: axis, num_axes_hadamard: axes } = param;
  return state.map((dim, i) => (i >= axis && i < axis + axes ? dim : 1));
};
