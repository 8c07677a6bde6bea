import type { TestEvent } from "./events.js";

/** Names and values of a test's outputs, `NAME[i]` where a blob has several values. */
export const scoresOf = ({
  outputs,
}: Pick<TestEvent, "outputs">): readonly (readonly [name: string, value: number])[] =>
  Object.entries(outputs).flatMap(([name, values]) =>
    values.map((value, i) => [values.length === 1 ? name : `${name}[${i}]`, value] as const),
  );
