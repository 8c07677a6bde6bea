/**
 * Reads of a blob by a layer's backward in Caffe, least first: nothing; whether entries are above 0; each entry for the gradient
 * of that entry alone; all values.
 */
export type Reads = "nothing" | "signs" | "entries" | "values";

/** Memory use of blobs by a layer type of Caffe (BVLC, on the CPU). Each field is absent where it does not hold. */
export interface CaffeMemory {
  /**
   * In place it does not compute its formula: what differs, and what Caffe gives. `mended` by --caffe-quirks, which then gives
   * the same.
   */
  readonly inPlace?: { readonly differs: Differs; readonly gives: string; readonly mended?: boolean };
  /** Reads of its bottoms' values by its backward: "values" where absent, but for layers in place, which then keep a copy. */
  readonly readsBottom?: Reads;
  /** The same of its tops' values, "nothing" where absent. */
  readonly readsTop?: Reads;
  /** Bottom values that it leaves in place, of entries whose gradient it does not stop; "nothing" where absent. */
  readonly keeps?: Reads;
  /** Its tops have the memory of its first bottom. */
  readonly sharesValues?: boolean;
  /** Its tops' gradients have the memory of another's gradient. */
  readonly tiesGradient?: boolean;
  /** Its backward gives its bottom the memory of its top's gradient. */
  readonly rebindsGradient?: boolean;
  /** It writes its first bottom's gradient where `propagate_down` is false too. */
  readonly ignoresPropagateDown?: boolean;
  /** Content of its first bottom's gradient after forward. */
  readonly leavesInGradient?: string;
}

/** Effect of a net's reuse of memory: values of forward, or gradients alone. */
export type Differs = "values" | "gradients";

/** Of a layer that gives its one top the memory of its one bottom, values and gradient. */
export const SAME_MEMORY: CaffeMemory = {
  readsBottom: "nothing",
  sharesValues: true,
  tiesGradient: true,
  ignoresPropagateDown: true,
};
