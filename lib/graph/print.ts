import { inputName } from "./leaf.js";
import type { Value } from "./value.js";
import { topological } from "./walk.js";

/** A graph as text, a line a node in topological order: stable, for tests and for reading. */
export function printGraph(outputs: readonly Value[]): string {
  const names = new Map<Value, string>();
  const lines: string[] = [];
  for (const node of topological(outputs)) {
    node.outputs.forEach((value, index) => {
      names.set(value, inputName(value) ?? (index === 0 ? `%${lines.length}` : `%${lines.length}.${index}`));
    });
    const results = node.outputs.map(
      (value) => `${names.get(value)}: ${value.type.dtype}[${value.type.shape.join(",")}]`,
    );
    const label = node.label === "" ? "" : `  # ${node.label}`;
    lines.push(
      `${results.join(", ")} = ${node.op.name}(${node.inputs.map((value) => names.get(value)).join(", ")})${label}`,
    );
  }
  lines.push(`return ${outputs.map((value) => names.get(value)).join(", ")}`);
  return lines.join("\n");
}
