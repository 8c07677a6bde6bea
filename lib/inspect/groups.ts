/** Layers that a group has at least. */
const LEAST = 2;

/**
 * The block that a layer is of by its name: `inception_3a` of `inception_3a/1x1`, `res2a` of `res2a_branch2b`, `conv1` of `conv1_2`;
 * undefined for names without one. Published nets name the layers of a block so.
 */
export function blockName(name: string): string | undefined {
  const slash = name.indexOf("/");
  if (slash > 0) return name.slice(0, slash);
  return /^([a-z]+[0-9]+[a-z]?[0-9]*)(?:_|$)/i.exec(name)?.[1];
}

/** The names of boxes by block, where one has several. */
export function layerBlocks(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const blocks = new Map<string, string[]>();
  for (const name of names) {
    const block = blockName(name);
    if (block !== undefined) blocks.set(block, [...(blocks.get(block) ?? []), name]);
  }
  return new Map([...blocks].filter(([, members]) => members.length >= LEAST));
}
