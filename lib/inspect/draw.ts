import { type From, loadNet } from "../caffe/load.js";
import type { NetParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import type { PhaseName } from "../layers/index.js";
import { toDot } from "./dot.js";
import { drawSvg } from "./drawing.js";
import { inspectNet } from "./index.js";
import { pngOfSvg } from "./png.js";
import type { NetSummary } from "./summary.js";

/** Part of a net to draw, and what is known of its data. */
export interface DrawNetOptions {
  /** Default svg. `dot` is Graphviz's language. */
  readonly format?: "svg" | "png" | "dot" | undefined;
  /** True if repeated blocks are drawn each time; by default nets of 50 boxes and more have them once, in a frame that says how often. */
  readonly full?: boolean | undefined;
  /** One phase; without it both, where the net is meant for both. */
  readonly phase?: PhaseName | undefined;
  readonly level?: number | undefined;
  readonly stages?: readonly string[] | undefined;
  /** Shapes of data blobs by name. */
  readonly shapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Makes unknown fields errors instead of warnings. */
  readonly strict?: boolean | undefined;
  /** Folder that paths in the net are looked up from; by default that of its file. */
  readonly baseDir?: string | undefined;
  /** Called for what is odd but no error. */
  readonly onWarning?: ((warning: NetrunError) => void) | undefined;
}

/**
 * Draws a net (path, text or message): a box a layer with its parameters, kernel, stride, pad and kind, shapes of blobs at its edges, layers
 * of a block in a frame. Repeated blocks of a large net are drawn once. A PNG comes as bytes, at twice the size of the SVG. Throws NetrunError for a net that is wrong.
 */
export async function drawNet(
  net: From<NetParameter>,
  options?: DrawNetOptions & { readonly format?: "svg" | "dot" | undefined },
): Promise<string>;
export async function drawNet(
  net: From<NetParameter>,
  options: DrawNetOptions & { readonly format: "png" },
): Promise<Buffer>;
export async function drawNet(net: From<NetParameter>, options?: DrawNetOptions): Promise<string | Buffer>;
export async function drawNet(net: From<NetParameter>, options: DrawNetOptions = {}): Promise<string | Buffer> {
  const { format = "svg", full } = options;
  const nets = await summariesOf(net, options);
  if (format === "dot") return toDot(nets, { full });
  const svg = await drawSvg(nets, { full });
  return format === "png" ? pngOfSvg(svg) : svg;
}

async function summariesOf(net: From<NetParameter>, options: DrawNetOptions): Promise<readonly NetSummary[]> {
  const { phase, level, stages, shapes = {}, strict, onWarning = () => {} } = options;
  const { message, baseDir, path } = loadNet(net, { strict, onWarning });
  const state = { level, stages, shapes: new Map(Object.entries(shapes)), baseDir: options.baseDir ?? baseDir, path };
  const phases = phase === undefined ? (["TRAIN", "TEST"] as const) : [phase];
  const nets: NetSummary[] = [];
  const errors: NetrunError[] = [];
  for (const each of phases) {
    try {
      nets.push(await inspectNet(message, { ...state, phase: each }));
    } catch (error) {
      if (!(error instanceof NetrunError)) throw error;
      errors.push(error);
    }
  }
  // Many nets are meant for one phase: the other has no data, say.
  if (nets.length === 0) throw errors[0]!;
  for (const error of errors) onWarning(error);
  return nets;
}
