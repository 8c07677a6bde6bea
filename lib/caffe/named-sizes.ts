import { NetrunError } from "../error.js";
import { type Asker, readText } from "./files.js";

/** An image by its name and its size in pixels. */
export interface NamedSize {
  readonly name: string;
  readonly height: number;
  readonly width: number;
}

/** Sizes of images: a file of names, heights and widths, as SSD's create_list.sh writes it. Throws NetrunError for anything else. */
export function readNamedSizes(path: string, asker: Asker = {}): readonly NamedSize[] {
  const words = readText(path, asker).split(/\s+/).filter(Boolean);
  return Array.from({ length: Math.ceil(words.length / 3) }, (_, i) => {
    const [name, ...numbers] = words.slice(3 * i, 3 * i + 3) as [string, ...string[]];
    const [height = 0, width = 0] = numbers.map(Number);
    if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0))
      throw new NetrunError(`entry ${i + 1} is "${[name, ...numbers].join(" ")}", not a name, a height and a width`, {
        file: path,
      });
    return { name, height, width };
  });
}
