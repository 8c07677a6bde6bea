import { writeFileSync } from "node:fs";
import { prng } from "./prng.js";

/** Writes a table as UCI's census data is: no names, texts behind spaces; the income follows from age and education. */
export function writePeople(path: string, count: number): void {
  const draw = prng(3);
  const one = (...texts: readonly string[]) => texts[Math.floor(draw() * texts.length)]!;
  const rows = Array.from({ length: count }, () => {
    const [age, years] = [17 + Math.floor(draw() * 60), 1 + Math.floor(draw() * 16)];
    return [
      ...[age, one("Private", "State-gov", "?"), Math.floor(draw() * 400_000), one("Bachelors", "Masters"), years],
      ...[
        one("Divorced", "Widowed"),
        one("Sales", "?"),
        one("Wife", "Husband"),
        one("Black", "White"),
        one("Female", "Male"),
      ],
      ...[draw() < 0.9 ? 0 : 5000, 0, 40, one("United-States", "Mexico"), age + 3 * years > 70 ? ">50K" : "<=50K"],
    ].join(", ");
  });
  writeFileSync(path, `${rows.join("\n")}\n`);
}
