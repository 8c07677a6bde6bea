import { NetrunError } from "../error.js";
import { spanOf, unknownFields } from "../text/notes.js";
import { amend, create, has } from "./message.js";
import type { LayerParameter, NetParameter, NetState, NetStateRule } from "./messages.js";

/**
 * The layers of a net that a state has, in order, each with its phase (its own or else the state's).
 * A layer with `include` rules is there if the state meets one of them, a layer with `exclude` rules unless it meets one.
 * Throws NetrunError for a layer with both.
 */
export function filterNet(net: NetParameter, state: NetState): NetParameter {
  const layers = net.layer.filter((layer) => isIncluded(layer, state));
  const layer = layers.map((layer) => (has(layer, "phase") ? layer : amend(layer, { phase: state.phase })));
  return amend(net, { state, layer });
}

function isIncluded(layer: LayerParameter, state: NetState): boolean {
  const { include, exclude } = layer;
  if (include.length > 0 && exclude.length > 0)
    throw new NetrunError(`layer "${layer.name}" has both include and exclude rules`, {
      span: spanOf(layer, "exclude"),
      notes: ["a layer has either; a rule may combine phase, levels, stage and not_stage"],
    });
  const meets = (rule: NetStateRule) => meetsRule(rule, state);
  return include.length > 0 ? include.some(meets) : !exclude.some(meets);
}

/**
 * Tests whether a state meets every condition of a rule: phase, min_level <= level <= max_level, all of stage, none of not_stage. A
 * fork's phase (MyCaffe's RUN) never holds here.
 */
export function meetsRule(rule: NetStateRule, state: NetState): boolean {
  if (unknownFields(rule).some(({ name }) => name === "phase")) return false;
  if (has(rule, "phase") && rule.phase !== state.phase) return false;
  if (has(rule, "min_level") && state.level < rule.min_level) return false;
  if (has(rule, "max_level") && state.level > rule.max_level) return false;
  const stages = stagesOf(state);
  return rule.stage.every((stage) => stages.has(stage)) && !rule.not_stage.some((stage) => stages.has(stage));
}

const stageSets = new WeakMap<NetState, ReadonlySet<string>>();

/** The stages of a state, found once: a damaged net may have as many as its rules, which are looked up one by one. */
function stagesOf(state: NetState): ReadonlySet<string> {
  const known = stageSets.get(state);
  if (known) return known;
  const stages = new Set(state.stage);
  stageSets.set(state, stages);
  return stages;
}

/** States merged as protobuf merges messages: what a later one sets wins, and stages add up. */
export function mergeStates(...states: readonly (NetState | null)[]): NetState {
  const given = states.filter((state) => state !== null);
  const fields = Object.assign({}, ...given.map((state) => ({ ...state }))) as Partial<NetState>;
  return create("NetState", { ...fields, stage: given.flatMap(({ stage }) => stage) });
}
