/** Names of which each is given once. */
export class Names {
  readonly #taken = new Set<string>();
  /** By wanted name, the first number that may be free: names are never given back. */
  readonly #next = new Map<string, number>();

  has(name: string): boolean {
    return this.#taken.has(name);
  }

  reserve(name: string): void {
    this.#taken.add(name);
  }

  /** The wanted name, or the first free one of `wanted_2`, `wanted_3` and so on. */
  unique(wanted: string): string {
    let name = wanted;
    let k = this.#next.get(wanted) ?? 2;
    while (this.#taken.has(name)) name = `${wanted}_${k++}`;
    if (k > 2) this.#next.set(wanted, k);
    this.#taken.add(name);
    return name;
  }
}
