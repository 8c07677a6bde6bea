import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { create, sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { NetrunError } from "../error.js";
import { constant, constantOf, count, float32, sameShape, type Value } from "../graph/index.js";
import * as ops from "../ops/index.js";
import { extraParam } from "./extra-param.js";
import type { LayerFacts } from "./facts.js";
import { foreignData } from "./foreign.js";
import {
  type ComputeLayer,
  type Count,
  canonicalAxis,
  computeLayer,
  dataLayer,
  forbidInPlace,
  type LayerType,
  type ParamField,
  type ParamOf,
  type PluginImages,
  type PluginRows,
  type RowsPlace,
  type Site,
} from "./layer.js";
import { layerTypes } from "./types.js";

/**
 * A layer type from outside netrun: a built-in one's definition, of which less has to be said. `param` is the field of
 * LayerParameter with its parameters (none; of Python layers python_param), bottoms and tops are any number where not given.
 */
export interface LayerPlugin<F extends ParamField | null = ParamField | null>
  extends Omit<ComputeLayer<F>, "param" | "bottoms" | "tops"> {
  /** Of type "Python": the module and the class that the prototxt names. */
  readonly module?: string;
  readonly layer?: string;
  readonly param?: F;
  readonly bottoms?: Count;
  readonly tops?: Count;
}

/** Arguments of a plugin's own gradient. */
export interface BackwardPlace {
  /** The layer's tops, as `lower` gave them. */
  readonly tops: readonly Value[];
  /** The gradient of one of them; undefined for the others. */
  readonly gradients: readonly (Value | undefined)[];
}

/** A compute layer from outside. */
export interface ComputePlugin<F extends ParamField | null = ParamField | null> extends LayerPlugin<F> {
  /**
   * A gradient of its own, in place of the derivative of `lower`: that of each bottom, then of each blob, null for none. Called for
   * each top that has a gradient; what they give is added.
   */
  backward?(site: Site<ParamOf<F>>, place: BackwardPlace): readonly (Value | null)[];
}

/**
 * A layer type from outside that brings data in. Its rows are read once, when a net is loaded, into a temporary file, so that they
 * can be shuffled, divided among replicas and resumed like every data set.
 */
export interface DataPlugin extends LayerFacts {
  readonly type: string;
  /** Of type "Python": the module and the class that the prototxt names. */
  readonly module?: string;
  readonly layer?: string;
  readonly tops?: Count;
  /** The rows of the data set; they end. */
  rows(source: RowsPlace): PluginRows;
  /** Treatment of encoded images among them for the first top; without it as transform_param says. */
  images?(layer: LayerParameter): PluginImages;
  /** Rows of a batch; by default what the layer's parameters call batch_size or the like. */
  batchSize?(layer: LayerParameter): number | undefined;
}

/** Arguments of a plugin's function, so that its file needs to import nothing. */
export const pluginTools = {
  create,
  ops,
  constant,
  constantOf,
  count,
  float32,
  sameShape,
  canonicalAxis,
  forbidInPlace,
  extraParam,
  registerLayer,
} as const;

/** The default export of a plugin's file: layers, or a function that makes them. */
export type PluginModule = Layers | ((tools: typeof pluginTools) => Layers | undefined);
type Layers = AnyPlugin | readonly AnyPlugin[];
type AnyPlugin = ComputePlugin | DataPlugin;

// The one thing that lasts as long as the process: what the user called registerLayer with. Nets take it as it is when they load.
const registered = new Map<string, LayerType>();
const definitions = new Map<string, object>();
/** Registrations of plugins' files, by path. */
const files = new Map<string, readonly string[]>();

const ANY: Count = [0, Number.POSITIVE_INFINITY];

/**
 * Adds a layer type: one that netrun does not have, or (type "Python" with `module` and `layer`) a Python layer, which netrun
 * cannot run as it is. Counts for nets that are loaded later. Throws NetrunError if that type is there already.
 */
export function registerLayer<F extends ParamField | null = null>(plugin: ComputePlugin<F> | DataPlugin): void {
  const python = plugin.type === "Python";
  const { module, layer } = plugin;
  if (!plugin.type) throw new NetrunError("a layer plugin needs a type");
  const isData = "rows" in plugin;
  if (typeof (isData ? plugin.rows : plugin.lower) !== "function")
    throw new NetrunError(`plugin ${plugin.type}: ${isData ? "rows" : "lower"} is not a function`);
  if (python && (module === undefined || layer === undefined))
    throw new NetrunError("a plugin for Python layers needs module and layer, as the prototxt's python_param has them");
  const key = python ? pythonKey(module!, layer!) : plugin.type;
  if (definitions.get(key) === plugin) return;
  if (Object.hasOwn(layerTypes, key)) throw new NetrunError(`netrun has a layer type ${key} of its own`);
  if (registered.has(key)) throw new NetrunError(`the layer type ${key} is registered twice`);
  definitions.set(key, plugin);
  if (isData) {
    registered.set(key, dataPlugin(plugin));
    return;
  }
  // A plugin for Python layers has their facts, unless it says otherwise.
  const { type: _, param: _param, bottoms: _bottoms, tops: _tops, lower: _lower, ...facts } = layerTypes.Python;
  const param = (plugin.param === undefined ? (python ? "python_param" : null) : plugin.param) as F;
  const { backward, ...layerType } = plugin;
  const lower = backward ? withBackward(plugin.lower.bind(plugin), backward.bind(plugin)) : plugin.lower;
  registered.set(key, computeLayer<F>({ bottoms: ANY, tops: ANY, ...(python && facts), ...layerType, param, lower }));
}

/** A lowering whose tops have a gradient that is given. */
function withBackward<F extends ParamField | null>(
  lower: LayerPlugin<F>["lower"],
  backward: NonNullable<ComputePlugin<F>["backward"]>,
): LayerPlugin<F>["lower"] {
  return (site) => {
    const lowered = lower(site);
    const { tops } = lowered;
    const wrt = [...site.bottoms, ...site.blobs];
    const own = tops.map((top, i) =>
      ops.ownGradient(top, wrt, (dy) => {
        const wrong = (why: string) => site.error(`its plugin's backward ${why}`, "type");
        let given: readonly (Value | null)[];
        try {
          given = backward(site, { tops, gradients: tops.map((_, j) => (i === j ? dy : undefined)) });
        } catch (error) {
          throw error instanceof NetrunError ? error : wrong(`fails: ${(error as Error).message}`);
        }
        if (given.length !== wrt.length)
          throw wrong(`gives ${given.length} gradients for ${wrt.length} bottoms and blobs`);
        given.forEach((dx, k) => {
          const { shape } = wrt[k]!.type;
          if (dx && !sameShape(dx.type.shape, shape))
            throw wrong(`gives a gradient of [${dx.type.shape}], not [${shape}]`);
        });
        return given;
      }),
    );
    return { ...lowered, tops: own };
  };
}

function dataPlugin(plugin: DataPlugin): LayerType {
  const {
    type,
    module: _,
    layer: _layer,
    tops = [1, Number.POSITIVE_INFINITY],
    rows,
    images,
    batchSize,
    data,
    ...facts
  } = plugin;
  const ofPlugin = { ...foreignData, ...data, ...(batchSize && { batchSize }), origin: "plugin" } as const;
  const shapes = () => undefined;
  const own = { rows: rows.bind(plugin), ...(images && { images: images.bind(plugin) }) };
  return dataLayer({ ...facts, type, param: null, bottoms: 0, tops, data: ofPlugin, ...own, shapes });
}

/** The layer types that plugins added, by `typeKey`. */
export const registeredTypes = (): ReadonlyMap<string, LayerType> => new Map(registered);

/** The plugin files that some layers need, as absolute paths: other threads load them for themselves. */
export function pluginsOf(layers: readonly LayerParameter[]): readonly string[] {
  const keys = new Set(layers.map(typeKey));
  return [...files].flatMap(([path, registers]) => (registers.some((key) => keys.has(key)) ? [path] : []));
}

/** Key of a layer's type: its name, of Python layers module and class. */
export function typeKey(layer: LayerParameter): string {
  if (layer.type !== "Python") return layer.type;
  const param = sub(layer, "python_param");
  return pythonKey(param.module, param.layer);
}

const pythonKey = (module: string, layer: string) => `Python ${module}.${layer}`;

/** Loads plugin files and registers their layers; one that is loaded already is left alone. Throws NetrunError for what is wrong with one. */
export async function loadPlugins(paths: readonly string[]): Promise<void> {
  for (const path of paths.map((given) => resolve(given))) {
    if (files.has(path)) continue;
    const before = new Set(registered.keys());
    const exported = await load(path);
    const layers = typeof exported === "function" ? exported(pluginTools) : exported;
    for (const layer of [layers ?? []].flat()) registerLayer(layer as AnyPlugin);
    const added = [...registered.keys()].filter((key) => !before.has(key));
    if (added.length === 0) {
      throw new NetrunError("the plugin registers no layer", {
        file: path,
        notes: ["its default export is a layer { type, blobs, lower }, a list of them, or a function that makes them"],
      });
    }
    files.set(path, added);
  }
}

async function load(path: string): Promise<PluginModule | undefined> {
  try {
    return ((await import(pathToFileURL(path).href)) as { readonly default?: PluginModule }).default;
  } catch (cause) {
    throw new NetrunError(`the plugin does not load: ${(cause as Error).message}`, { file: path, cause });
  }
}
