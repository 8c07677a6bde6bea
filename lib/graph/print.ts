import { bodiesOf } from "./body.js";
import { inputName } from "./leaf.js";
import type { Value } from "./value.js";
import { topological } from "./walk.js";

/** A graph as text, a line a node in topological order, the bodies of a node indented below it: stable, for tests and for reading. */
export function printGraph(outputs: readonly Value[]): string {
  return lines(outputs, "%").join("\n");
}

/** `prefix` starts the names of the graph's values: those of bodies have longer ones. */
function lines(outputs: readonly Value[], prefix: string): string[] {
  const names = new Map<Value, string>();
  const printed: string[] = [];
  const typed = (value: Value) => `${names.get(value)}: ${typeText(value)}`;
  topological(outputs).forEach((node, line) => {
    node.outputs.forEach((value, index) => {
      names.set(value, inputName(value) ?? (index === 0 ? `${prefix}${line}` : `${prefix}${line}.${index}`));
    });
    const label = node.label === "" ? "" : `  # ${node.label}`;
    const inputs = node.inputs.map((value) => names.get(value)).join(", ");
    printed.push(`${node.outputs.map(typed).join(", ")} = ${node.op.name}(${inputs})${label}`);
    for (const [name, body] of Object.entries(bodiesOf(node))) {
      const takes = body.inputs.map((value) => `${inputName(value)}: ${typeText(value)}`);
      printed.push(`  ${name}(${takes.join(", ")})`);
      printed.push(...lines(body.outputs, `${prefix}${line}/`).map((each) => `    ${each}`));
    }
  });
  printed.push(`return ${outputs.map((value) => names.get(value)).join(", ")}`);
  return printed;
}

const typeText = ({ type }: Value) => `${type.dtype}[${type.shape.join(",")}]`;
