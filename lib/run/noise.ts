import { random } from "../random.js";

/** Uniform in [0, 1): labels are 0 then, once layers round them down. The same seed gives the same numbers. */
export function noise(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  random(seed).fill(values);
  return values;
}
