import { has } from "../caffe/message.js";
import { type LayerParameter, PoolingParameter_PoolMethod as PoolMethod } from "../caffe/messages.js";

/** Fields of parameters of layers that slide a window. */
interface WindowFields {
  readonly kernel_size?: number | readonly number[];
  readonly stride?: number | readonly number[];
  readonly pad?: number | readonly number[];
  readonly dilation?: readonly number[];
  readonly group?: number;
  readonly pool?: number;
  readonly global_pooling?: boolean;
  readonly [field: string]: unknown;
}

/** The window of a layer, as a drawing says it: `kernel 5x5, stride 2, pad 2, MAX`; empty for layers without. */
export function windowText(layer: LayerParameter): string {
  for (const [name, value] of Object.entries(layer)) {
    if (!name.endsWith("_param") || typeof value !== "object" || value === null) continue;
    const param = value as WindowFields;
    const kernel = sides(param, "kernel", "kernel_size");
    if (kernel === "" && !param.global_pooling) continue;
    const [stride, pad] = [sides(param, "stride", "stride"), sides(param, "pad", "pad")];
    const dilation = listText(param.dilation ?? []);
    return [
      kernel === "" ? "global" : `kernel ${kernel}`,
      ...(stride !== "" && !isAll(stride, "1") ? [`stride ${once(stride)}`] : []),
      ...(pad !== "" && !isAll(pad, "0") ? [`pad ${once(pad)}`] : []),
      ...(dilation !== "" && !isAll(dilation, "1") ? [`dilation ${once(dilation)}`] : []),
      ...((param.group ?? 1) > 1 ? [`group ${param.group}`] : []),
      ...(param.pool === undefined ? [] : [methodName(param.pool)]),
    ].join(", ");
  }
  return "";
}

const methodName = (pool: number): string =>
  Object.entries(PoolMethod).find(([, value]) => value === pool)?.[0] ?? String(pool);

/** Height by width: of the fields with _h and _w, or the one for both. */
function sides(param: WindowFields, stem: string, both: string): string {
  const [h, w] = [param[`${stem}_h`], param[`${stem}_w`]];
  const isSet = (field: string) => has(param as never, field as never);
  if (isSet(`${stem}_h`) || isSet(`${stem}_w`)) return `${Number(h ?? 0)}x${Number(w ?? 0)}`;
  if (!isSet(both)) return "";
  const value = param[both] as number | readonly number[];
  return typeof value === "number" ? `${value}x${value}` : listText(value);
}

/** One number is for all sides; a drawing has two. */
const listText = (values: readonly number[]): string =>
  values.length === 1 ? `${values[0]}x${values[0]}` : [...values].join("x");

/** A number that all sides have is said once. */
function once(text: string): string {
  const [first, ...rest] = text.split("x");
  return rest.every((each) => each === first) ? first! : text;
}

const isAll = (text: string, side: string): boolean => text.split("x").every((each) => each === side);
