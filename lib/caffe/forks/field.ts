/** A field of a fork, or a value of one. What the schema has of them is supported; the others do no harm or are refused. */
export interface ForkField {
  /** The forks that have it, by the names that they go by. */
  readonly forks: string;
  /** The message; "*": whichever has the field. */
  readonly message: string;
  readonly fields: readonly string[];
  /** Values of an enum, where only these are the fork's. */
  readonly values?: readonly string[];
  readonly meaning: string;
  /** Reason why a net with it is refused where it runs; absent: it changes no shape and no number here. */
  readonly refused?: string;
  /** A field of one value in Caffe and several in the fork: those after the first are kept. */
  readonly list?: boolean;
  /** Read when the net is loaded, as what netrun has for it. */
  readonly read?: boolean;
  /** In the schema, so that nobody is warned about it, and read by nothing. */
  readonly ignored?: boolean;
  /** True if shapes of what a layer with it gives follow from it: without its meaning they are not known. */
  readonly shapes?: boolean;
  /** The text of a value, its default, with which it changes nothing. */
  readonly unless?: readonly string[];
}

/** Reasons that several fields have. */
export const AUGMENTS = "netrun does not distort images so; without the field, training sees less variety";
export const RATE = "netrun has no such schedule; the rates would be others";
export const OTHER_NET = "netrun does not compute it, and the numbers would be others";

export const QUANTISED =
  "netrun computes in float32; without the field it runs the net that was quantised (--int8 quantises a converted one)";

/** Texts of a value that switches a field off. */
export const OFF = ["false", "0"];
