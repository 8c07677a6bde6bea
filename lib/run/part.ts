import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { inputOfBlob, registeredTypes } from "../layers/index.js";
import type { SessionOptions } from "../onnx/session.js";
import type { CompiledNetwork } from "./compile.js";
import { unknownBlob } from "./inputs.js";
import { Program } from "./program.js";

/** From which layer to which a forward goes, both included; the first and the last where they are not named. */
export interface LayerRange {
  readonly start?: string | undefined;
  readonly end?: string | undefined;
}

/** Some layers of a net in a row, as a net of their own with the same parameters. */
export interface NetPart extends AsyncDisposable {
  readonly program: Program;
  /** Blobs that come from outside: data, and what layers before the first one compute. */
  readonly inputs: ReadonlySet<string>;
  /** Every blob of these layers. */
  readonly blobs: ReadonlySet<string>;
  /** Tops of the last layer. */
  readonly tops: readonly string[];
}

/**
 * Makes a part of a net of one phase. Throws NetrunError for a layer that is not there, for an end before the start, and for a layer
 * whose parameters belong to one before the start.
 */
export function partOf(compiled: CompiledNetwork, range: LayerRange, session: SessionOptions): NetPart {
  const { net, phase, sources, caffeQuirks, lowered } = compiled;
  const first = range.start === undefined ? 0 : indexOf(net.layer, range.start);
  const last = range.end === undefined ? net.layer.length - 1 : indexOf(net.layer, range.end);
  if (last < first) throw new NetrunError(`layer "${range.end}" comes before layer "${range.start}"`);
  const layers = net.layer.slice(first, last + 1);
  refuseShared(compiled, layers);
  const made = new Set<string>();
  const inputs = new Set<string>();
  for (const { bottom, top } of layers) {
    for (const name of bottom) if (!made.has(name)) inputs.add(name);
    for (const name of top) made.add(name);
  }
  const given = [...inputs].map(inputOfBlob);
  for (const name of made) if (lowered.inputs.has(name)) inputs.add(name);
  const program = new Program(
    { layers: [...given, ...layers], phase, sources, types: registeredTypes(), caffeQuirks },
    session,
  );
  return {
    program,
    inputs,
    blobs: new Set([...inputs, ...made]),
    tops: layers.at(-1)!.top,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

function indexOf(layers: readonly LayerParameter[], name: string): number {
  const at = layers.findIndex((layer) => layer.name === name);
  if (at >= 0) return at;
  const names = layers.map((layer) => layer.name);
  throw unknownBlob(`the net has no layer "${name}"`, name, names);
}

/** Parameters are found by the layer that owns them, which has to be among these. */
function refuseShared({ lowered }: CompiledNetwork, layers: readonly LayerParameter[]): void {
  const names = new Set(layers.map(({ name }) => name));
  for (const { layer: owner, users } of lowered.parameters) {
    const user = users.find(({ layer }) => names.has(layer));
    if (!user || names.has(owner)) continue;
    throw new NetrunError(`layer "${user.layer}" shares a parameter of layer "${owner}", which is before the start`, {
      notes: [`start at "${owner}" or before`],
    });
  }
}
