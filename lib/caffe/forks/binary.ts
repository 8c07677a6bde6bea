import { noteUnknown } from "../../text/notes.js";
import { has, type Message } from "../message.js";
import {
  LAYER_PARAMS,
  type LayerParameter,
  LossParameter_NormalizationMode as Mode,
  type NetParameter,
} from "../messages.js";
import { reflect } from "../schema.js";

/** From this number on forks give fields of LayerParameter to layers of their own; Caffe itself came to use some of them later. */
const FIRST_OF_FORKS = 139;

/**
 * Notes, by number, the fields of a binary net that are a fork's or may be: forks number fields as they like, so that one number is
 * another field in each, and of those that Caffe has too it cannot be told whose they are. A net with them is refused where it runs.
 */
export function noteFieldsOfForks({ layer, layers }: NetParameter): void {
  for (const each of [...layer, ...layers])
    for (const name of foreignNumbers(each as unknown as Message, "")) noteUnknown(each, { name, text: "" });
  for (const each of layer) for (const name of doubtful(each)) noteUnknown(each, { name, text: "" });
}

/** Tests whether an unknown field is one of a binary net, whose name is its number, after those of the messages that it is in. */
export const isNumbered = (name: string): boolean => /(^|\.)\d+$/.test(name);

/** Numbers that the schema does not have, of a message and those in it: "206", "convolution_param.51". */
function foreignNumbers(message: Message, path: string): readonly string[] {
  const { $type: type, $unknowns: unknown = [] } = message as unknown as {
    readonly $type: { readonly name: string };
    readonly $unknowns?: readonly Uint8Array[];
  };
  const own = unknown.map((bytes) => `${path}${numberOf(bytes)}`);
  const nested = reflect(type.name as "LayerParameter").fieldsArray.flatMap(({ name, resolvedType, repeated }) => {
    if (!resolvedType || repeated || name === "blobs" || !Object.hasOwn(message, name)) return [];
    const inner = (message as unknown as Record<string, Message | null>)[name];
    return inner && typeof inner === "object" ? foreignNumbers(inner, `${path}${name}.`) : [];
  });
  return [...new Set([...own, ...nested])];
}

/** The number of an encoded field: its tag, a varint, without the wire type. */
function numberOf(bytes: Uint8Array): number {
  let [tag, shift] = [0, 1];
  for (const byte of bytes) {
    tag += (byte & 127) * shift;
    shift *= 128;
    if (byte < 128) break;
  }
  return Math.floor(tag / 8);
}

/** Fields that Caffe has and forks have otherwise: `round_mode` is ceil_mode in some, NONE is PRE_FIXED, and parameters of other layers. */
function doubtful(layer: LayerParameter): readonly string[] {
  const own: string | undefined = (LAYER_PARAMS as Readonly<Record<string, string>>)[layer.type];
  const others = reflect("LayerParameter").fieldsArray.filter(
    ({ id, name }) => id >= FIRST_OF_FORKS && name.endsWith("_param") && name !== own && Object.hasOwn(layer, name),
  );
  const { pooling_param: pooling, loss_param: loss } = layer;
  return [
    ...others.map(({ id }) => String(id)),
    ...(pooling && has(pooling, "round_mode") ? ["pooling_param.13"] : []),
    ...(loss && has(loss, "normalization") && loss.normalization === Mode.NONE ? ["loss_param.3"] : []),
  ];
}
