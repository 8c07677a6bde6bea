import { amend, has } from "../caffe/message.js";
import { type LayerParameter, type NetParameter, type NetStateRule, Phase } from "../caffe/messages.js";
import { NetrunError, nearest } from "../error.js";
import { bringsData, inputFor, takesData } from "../layers/index.js";
import { spanOf } from "../text/notes.js";

/** Shapes by blob name. */
export type BlobShapes = Readonly<Record<string, readonly number[]>>;

/**
 * A net whose data layers have given way to Input layers: in each phase one, with the tops of its data layers. The first top is
 * data of shape [batch, channels, height, width]; the one named "label", or else the second, is labels of shape [batch].
 * The rest of the net is untouched. Throws NetrunError for a net without data layers or with other tops.
 */
export function replaceDataLayers(
  net: NetParameter,
  trainBatchSize: number,
  testBatchSize: number,
  channels: number,
  height: number,
  width: number,
): NetParameter {
  const shapesFor = (phase: Phase, batch: number): BlobShapes => {
    const layers = dataLayers(net, phase);
    const tops = topsOf(layers);
    const label = tops.includes("label") && tops.length > 1 ? "label" : tops[1];
    const others = tops.filter((top) => top !== label);
    if (others.length > 1)
      throw new NetrunError(`the data layers of phase ${phaseName(phase)} have the tops ${tops.join(", ")}`, {
        span: spanOf(layers[0]!),
        notes: ["only data and label have a shape here; give shapes by blob name with replaceDataLayersByShape"],
      });
    return Object.fromEntries(tops.map((top) => [top, top === label ? [batch] : [batch, channels, height, width]]));
  };
  return replaceDataLayersByShape(net, shapesFor(Phase.TRAIN, trainBatchSize), shapesFor(Phase.TEST, testBatchSize));
}

/**
 * As `replaceDataLayers`, with a shape for each blob by name, in the test phase others if given.
 * Data layers none of whose tops have a shape stay. Throws NetrunError for a blob that no data layer makes, or a top without shape.
 */
export function replaceDataLayersByShape(net: NetParameter, train: BlobShapes, test: BlobShapes = train): NetParameter {
  const phases = [
    [Phase.TRAIN, train],
    [Phase.TEST, test],
  ] as const;
  checkNames(net, new Set([...Object.keys(train), ...Object.keys(test)]));
  const inputs = new Map<LayerParameter, LayerParameter[]>();
  const replaced = new Map<LayerParameter, Phase[]>();
  for (const [phase, shapes] of phases) {
    const layers = dataLayers(net, phase).filter(({ top }) => top.some((name) => Object.hasOwn(shapes, name)));
    const [first, ...others] = layers;
    if (!first) continue;
    inputs.set(first, [...(inputs.get(first) ?? []), inputLayer([first, ...others], phase, shapes)]);
    for (const layer of layers) replaced.set(layer, [...(replaced.get(layer) ?? []), phase]);
  }
  const layer = net.layer.flatMap((each) => [...(inputs.get(each) ?? []), ...remains(each, replaced.get(each) ?? [])]);
  return amend(net, { layer });
}

/** Rest of a layer that was replaced in some phases: it, restricted to the other one, or nothing. */
function remains(layer: LayerParameter, replacedIn: readonly Phase[]): LayerParameter[] {
  if (replacedIn.length === 0) return [layer];
  const [phase] = phasesOf(layer).filter((phase) => !replacedIn.includes(phase));
  if (phase === undefined) return [];
  if (has(layer, "exclude")) return [amend(layer, { exclude: [...layer.exclude, { phase: replacedIn[0]! }] })];
  const rules = layer.include.filter((rule) => !has(rule, "phase") || rule.phase === phase);
  return [amend(layer, { include: rules.length > 0 ? rules.map((rule) => amend(rule, { phase })) : [{ phase }] })];
}

function inputLayer(
  layers: readonly [LayerParameter, ...LayerParameter[]],
  phase: Phase,
  shapes: BlobShapes,
): LayerParameter {
  const tops = topsOf(layers);
  const missing = tops.find((top) => !Object.hasOwn(shapes, top));
  if (missing !== undefined)
    throw new NetrunError(`no shape is given for the top "${missing}" of a data layer`, {
      span: spanOf(layers.find(({ top }) => top.includes(missing))!),
      notes: [`it comes with ${tops.filter((top) => top !== missing).join(", ")}: give shapes for all of them`],
    });
  return inputFor(layers, (top) => shapes[top]!, { include: [{ phase }] });
}

/** The data layers that some state of a phase has. Input layers count only where there are no others. */
function dataLayers(net: NetParameter, phase: Phase): LayerParameter[] {
  const layers = net.layer.filter((layer) => takesData(layer) && phasesOf(layer).includes(phase));
  const others = layers.filter(bringsData);
  return others.length > 0 ? others : layers;
}

function topsOf(layers: readonly LayerParameter[]): string[] {
  return [...new Set(layers.flatMap(({ top }) => top))];
}

/** The phases in which a layer is with some level and stages. */
function phasesOf({ include, exclude }: LayerParameter): Phase[] {
  const meets = (rule: NetStateRule, phase: Phase) => !has(rule, "phase") || rule.phase === phase;
  const asksMore = (rule: NetStateRule) => STATE_FIELDS.some((field) => has(rule, field));
  return [Phase.TRAIN, Phase.TEST].filter((phase) =>
    include.length > 0
      ? include.some((rule) => meets(rule, phase))
      : !exclude.some((rule) => meets(rule, phase) && !asksMore(rule)),
  );
}

const STATE_FIELDS = ["min_level", "max_level", "stage", "not_stage"] as const;

function checkNames(net: NetParameter, names: ReadonlySet<string>): void {
  const tops = topsOf(net.layer.filter(takesData));
  if (tops.length === 0) throw new NetrunError("the net has no data layers to replace", { span: spanOf(net) });
  for (const name of names) {
    if (tops.includes(name)) continue;
    const near = nearest(name, tops);
    throw new NetrunError(`no data layer makes a blob "${name}"`, {
      notes: [...(near ? [`did you mean "${near}"?`] : []), `data layers make ${tops.join(", ")}`],
    });
  }
}

function phaseName(phase: Phase): string {
  return phase === Phase.TRAIN ? "TRAIN" : "TEST";
}
