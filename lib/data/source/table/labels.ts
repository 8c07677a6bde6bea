/** A column with more different texts than this is no label but a name or prose. */
export const MAX_LABELS = 10_000;

/** The different texts of one column, gathered in one pass. */
export class LabelSet {
  readonly #texts = new Set<string>();
  #overflow = false;

  /** Adds a text; whether it is another one. */
  add(text: string): boolean {
    if (this.#overflow || this.#texts.has(text)) return false;
    this.#texts.add(text);
    this.#overflow = this.#texts.size > MAX_LABELS;
    if (this.#overflow) this.#texts.clear();
    return true;
  }

  /** The texts in order, which does not depend on the order of rows; undefined where there are too many. */
  sorted(): readonly string[] | undefined {
    // By code unit and not by locale, so that labels are the same everywhere.
    return this.#overflow ? undefined : [...this.#texts].sort();
  }
}
