import { has } from "../caffe/message.js";
import {
  PoolingParameter_PoolMethod as Method,
  type PoolingParameter,
  PoolingParameter_RoundMode as RoundMode,
} from "../caffe/messages.js";
import { constant, constantOf, type Value } from "../graph/index.js";
import {
  add,
  averagePool,
  cast,
  maxPool,
  mod,
  mul,
  type PoolAttrs,
  pad,
  reshape,
  slice,
  stopGradient,
  sub,
} from "../ops/index.js";
import { computeLayer, type Lowered, type Place } from "./layer.js";

/** Windows of one axis. */
interface Windows {
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  /** Entries of the input. */
  readonly size: number;
  /** Entries of the output. */
  readonly pooled: number;
}

/** What Caffe's MAX gives where a window, at stride > kernel, begins behind the input. */
const LOWEST = -3.4028234663852886e38;

/**
 * Pooling over windows of the last two axes of x [n, c, h, w], to [n, c, ph, pw].
 * MAX: the first maximum in row order; a second top is its offset in the h*w plane, as a float.
 * AVE: the sum over the window divided by the window's area, clipped to the padded input but not to the input itself.
 * Size: ceil((size + 2*pad - kernel) / stride) + 1 (round_mode FLOOR: floor); Caffe rounds pooled size up and convolution down.
 * With padding a last window that would begin behind the input and its padding is dropped.
 */
export const Pooling = computeLayer({
  type: "Pooling",
  param: "pooling_param",
  bottoms: 1,
  tops: [1, 2],
  lower(site) {
    const x = site.bottoms[0]!;
    const { param } = site;
    if (x.type.shape.length !== 4) throw site.bottomError(0, `pooling takes a blob of 4 axes, not [${x.type.shape}]`);
    if (site.topCount > 1 && param.pool !== Method.MAX)
      throw site.error("only MAX pooling has a second top, the mask", "pool");
    const axes = windows(site);
    switch (param.pool) {
      case Method.MAX:
        return maxPooling(x, axes, site.topCount > 1);
      case Method.AVE:
        return { tops: [averagePooling(x, axes)] };
      default:
        throw site.error(`unknown pooling method ${param.pool}`, "pool");
    }
  },
});

function maxPooling(x: Value, axes: readonly Windows[], mask: boolean): Lowered {
  const { y, indices } = maxPool(x, poolAttrs(axes));
  const top = strayGradients(x, behind(y, axes, LOWEST), axes);
  if (!mask) return { tops: [top] };
  const plane = constantOf("int64", BigInt64Array.of(BigInt(axes[0]!.size * axes[1]!.size)), []);
  return { tops: [top, cast(behind(mod(indices, plane), axes, -1), "float32")] };
}

/**
 * A window behind the input has the mask -1 in Caffe, whose backward adds the window's gradient at that offset of its plane:
 * the last entry of the plane before (for the first plane, outside of the blob). The numbers are Caffe's only with it.
 */
function strayGradients(x: Value, top: Value, axes: readonly Windows[]): Value {
  if (axes.every((axis) => inside(axis) === axis.pooled)) return top;
  const [n, c, h, w] = x.type.shape as [number, number, number, number];
  const last = slice(reshape(x, [n * c, h * w]), 1, h * w - 1, h * w);
  const before = reshape(
    pad(slice(last, 0, 0, n * c - 1), [
      [1, 0],
      [0, 0],
    ]),
    [n, c, 1, 1],
  );
  const nothing = sub(before, stopGradient(before));
  const [rows, columns] = axes as [Windows, Windows];
  const stray = Float32Array.from({ length: rows.pooled * columns.pooled }, (_, i) =>
    Math.floor(i / columns.pooled) >= inside(rows) || i % columns.pooled >= inside(columns) ? 1 : 0,
  );
  return add(top, mul(nothing, constant(stray, [rows.pooled, columns.pooled])));
}

function averagePooling(x: Value, axes: readonly Windows[]): Value {
  const y = behind(averagePool(x, poolAttrs(axes)), axes, 0);
  const [rows, columns] = axes.map(areaCorrection) as [number[], number[]];
  if (rows.every((r) => r === 1) && columns.every((c) => c === 1)) return y;
  const factors = Float32Array.from(rows.flatMap((r) => columns.map((c) => r * c)));
  return mul(y, constant(factors, [rows.length, columns.length]));
}

/** Kernel over window length for each window of an axis: ONNX divides by the kernel, Caffe by what of it lies in the padded input. */
function areaCorrection({ kernel, stride, pad: padding, size, pooled }: Windows): number[] {
  return Array.from({ length: pooled }, (_, i) => {
    const start = i * stride - padding;
    return kernel / (Math.min(start + kernel, size + padding) - start);
  });
}

/** Windows that begin inside the input. */
const inside = ({ pooled, stride, size, pad: padding }: Windows) =>
  Math.min(pooled, Math.ceil((size + padding) / stride));

function poolAttrs(axes: readonly Windows[]): PoolAttrs {
  return {
    kernel: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    pads: axes.map((axis) => {
      const end = (inside(axis) - 1) * axis.stride - axis.pad + axis.kernel;
      return [axis.pad, Math.max(0, end - axis.size)];
    }),
  };
}

/** Appends the windows that begin behind the input. */
function behind(y: Value, axes: readonly Windows[], value: number): Value {
  return pad(y, [[0, 0], [0, 0], ...axes.map((axis) => [0, axis.pooled - inside(axis)] as const)], value);
}

/** The windows of both axes. Throws what Caffe checks. */
function windows(place: Place<PoolingParameter>): readonly [Windows, Windows] {
  const { param } = place;
  const [height, width] = place.bottoms[0]!.type.shape.slice(2) as [number, number];
  if (param.global_pooling) {
    if (has(param, "kernel_size") || has(param, "kernel_h") || has(param, "kernel_w")) {
      throw place.error(
        "with global_pooling the kernel is the whole input; kernel_size cannot be given too",
        "global_pooling",
      );
    }
  } else if (has(param, "kernel_size") === (has(param, "kernel_h") || has(param, "kernel_w"))) {
    throw place.error("give kernel_size, or both kernel_h and kernel_w", "kernel_size");
  } else if (!has(param, "kernel_size") && !(has(param, "kernel_h") && has(param, "kernel_w"))) {
    throw place.error("kernel_h and kernel_w go together", "kernel_h");
  }
  const pair = (field: "stride" | "pad"): readonly [number, number] => {
    if (!has(param, `${field}_h`) && !has(param, `${field}_w`)) return [param[field], param[field]];
    if (has(param, field) || !has(param, `${field}_h`) || !has(param, `${field}_w`)) {
      throw place.error(`give ${field}, or both ${field}_h and ${field}_w`, field);
    }
    return [param[`${field}_h`], param[`${field}_w`]];
  };
  const strides = pair("stride");
  const pads = pair("pad");
  const kernels = param.global_pooling
    ? ([height, width] as const)
    : has(param, "kernel_size")
      ? ([param.kernel_size, param.kernel_size] as const)
      : ([param.kernel_h, param.kernel_w] as const);
  if (kernels.some((k) => k <= 0)) throw place.error("kernel dimensions must be greater than 0", "kernel_size");
  if (strides.some((s) => s <= 0)) throw place.error("stride must be greater than 0", "stride");
  if (param.global_pooling && (pads.some((p) => p !== 0) || strides.some((s) => s !== 1))) {
    throw place.error("with global_pooling only pad 0 and stride 1 are possible", "global_pooling");
  }
  if (pads.some((p) => p > 0) && param.pool === Method.STOCHASTIC) {
    throw place.error("padding is for MAX and AVE pooling only", "pad");
  }
  if (pads.some((p, i) => p >= kernels[i]!))
    throw place.error(`pad [${pads}] must be smaller than the kernel [${kernels}]`, "pad");
  const padded = pads.some((p) => p > 0);
  const axis = (i: 0 | 1, size: number): Windows => {
    const [kernel, stride, padding] = [kernels[i], strides[i], pads[i]];
    const steps = (size + 2 * padding - kernel) / stride;
    let pooled = (param.round_mode === RoundMode.FLOOR ? Math.floor(steps) : Math.ceil(steps)) + 1;
    if (padded && (pooled - 1) * stride >= size + padding) pooled--;
    if (pooled <= 0)
      throw place.error(
        `the kernel [${kernels}] does not fit into [${height},${width}] with pad [${pads}]`,
        "kernel_size",
      );
    return { kernel, stride, pad: padding, size, pooled };
  };
  return [axis(0, height), axis(1, width)];
}
