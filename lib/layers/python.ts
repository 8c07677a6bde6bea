import { computeLayer } from "./layer.js";

/**
 * Python: a layer written in Python, which netrun does not run. A plugin for its module and class serves in its place; without
 * one this refuses the net.
 */
export const Python = computeLayer({
  type: "Python",
  param: "python_param",
  bottoms: [0, Number.POSITIVE_INFINITY],
  tops: [0, Number.POSITIVE_INFINITY],
  lower({ param: { module, layer }, error }) {
    throw error(
      `netrun runs no Python, and no plugin stands for layer "${layer}" of module "${module}"`,
      "python_param",
      [
        `write it in JavaScript: registerLayer({ type: "Python", module: "${module}", layer: "${layer}", blobs, lower })`,
        "a file of such layers is loaded with --plugin FILE",
      ],
    );
  },
});
