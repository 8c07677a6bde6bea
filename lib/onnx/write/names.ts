/** Names of which each is given once. */
export class Names {
  readonly #taken = new Set<string>();

  has(name: string): boolean {
    return this.#taken.has(name);
  }

  reserve(name: string): void {
    this.#taken.add(name);
  }

  /** The wanted name, or the first free one of `wanted_2`, `wanted_3` and so on. */
  unique(wanted: string): string {
    let name = wanted;
    for (let k = 2; this.#taken.has(name); k++) name = `${wanted}_${k}`;
    this.#taken.add(name);
    return name;
  }
}
