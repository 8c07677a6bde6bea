import type protobuf from "protobufjs/light.js";
import { amend, create, type Message, typeOf } from "../caffe/message.js";
import type { LayerParameter, NetParameter, SolverParameter } from "../caffe/messages.js";
import { reflect } from "../caffe/schema.js";
import { NetrunError, nearest } from "../error.js";
import { parseText } from "../text/parse.js";

/** Values of fields by path, as texts of a prototxt: `{ base_lr: "0.01", "net.layer.conv1.convolution_param.num_output": "32" }`. */
export type Settings = Readonly<Record<string, string>>;

/** A solver and its net. */
export interface SolverWithNet {
  readonly solver: SolverParameter;
  readonly net: NetParameter;
}

/**
 * Sets fields of a solver, or with `net.` before them of its net; a layer is found by its name, an item of another list by its index.
 * Throws NetrunError, which names the path, for a field that is not there and a value that it does not take.
 */
export function withSettings({ solver, net }: SolverWithNet, settings: Settings): SolverWithNet {
  let changed: SolverWithNet = { solver, net };
  for (const [path, text] of Object.entries(settings)) {
    const isNet = path.startsWith("net.");
    const place = { path, text };
    changed = isNet
      ? { ...changed, net: setIn(changed.net, path.slice(4), place) }
      : { ...changed, solver: setIn(changed.solver, path, place) };
  }
  return changed;
}

interface Place {
  readonly path: string;
  readonly text: string;
}

function setIn<M extends Message>(message: M, rest: string, place: Place): M {
  const [name, after] = cut(rest);
  const type = reflect(typeOf(message));
  const field = type.fields[name];
  if (!field) {
    const near = nearest(name, Object.keys(type.fields));
    throw wrong(place, `${type.name} has no field "${name}"`, near === undefined ? [] : [`did you mean ${near}?`]);
  }
  const change = (value: unknown) => amend(message, { [name]: value } as never);
  if (after === undefined) return change(parsedValue(type, field, place));
  const own = (message as unknown as Record<string, unknown>)[name];
  if (!field.resolvedType || !("fields" in field.resolvedType)) throw wrong(place, `"${name}" has no fields`);
  if (!field.repeated) {
    return change(setIn((own ?? create(field.resolvedType.name as never)) as Message, after, place));
  }
  const items = own as readonly Message[];
  const { isIt, more } =
    name === "layer" ? byName(items as readonly LayerParameter[], after, place) : byIndex(items, after, place);
  return change(items.map((item, i) => (isIt(item, i) ? setIn(item, more, place) : item)));
}

const cut = (path: string): readonly [string, string | undefined] => {
  const at = path.indexOf(".");
  return at < 0 ? [path, undefined] : [path.slice(0, at), path.slice(at + 1)];
};

/** Selected items of a list, and the part of each. */
interface Chosen {
  readonly isIt: (item: Message, index: number) => boolean;
  readonly more: string;
}

/** Layers by their name, which may have dots in it; those of all phases. */
function byName(layers: readonly LayerParameter[], rest: string, place: Place): Chosen {
  const names = layers.map(({ name }) => name).filter((name) => rest.startsWith(`${name}.`));
  const name = names.sort((a, b) => b.length - a.length)[0];
  if (name !== undefined)
    return { isIt: (item) => (item as LayerParameter).name === name, more: rest.slice(name.length + 1) };
  const [wanted] = cut(rest);
  const near = nearest(
    wanted,
    layers.map((layer) => layer.name),
  );
  throw wrong(place, `the net has no layer "${wanted}"`, near === undefined ? [] : [`did you mean ${near}?`]);
}

function byIndex(items: readonly Message[], rest: string, place: Place): Chosen {
  const [index, more] = cut(rest);
  if (!/^\d+$/.test(index) || items[Number(index)] === undefined || more === undefined)
    throw wrong(place, `"${index}" is no index of the ${items.length} items there`);
  return { isIt: (_, i) => i === Number(index), more };
}

/** A field's value, read as a prototxt's. */
function parsedValue(type: protobuf.Type, field: protobuf.Field, place: Place): unknown {
  const isText = field.type === "string" && !/^["']/.test(place.text);
  const text = isText ? JSON.stringify(place.text) : place.text;
  try {
    return (parseText(type, `${field.name}: ${text}`, { name: place.path }) as unknown as Record<string, unknown>)[
      field.name
    ];
  } catch (error) {
    if (!(error instanceof NetrunError)) throw error;
    throw wrong(place, error.message, error.notes);
  }
}

const wrong = ({ path, text }: Place, why: string, notes: readonly string[] = []): NetrunError =>
  new NetrunError(`${path}=${text}: ${why}`, { notes });
