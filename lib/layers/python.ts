import { sub } from "../caffe/message.js";
import type { LayerParameter } from "../caffe/messages.js";
import { pythonFacts, pythonLayers } from "./forks/python-layers.js";
import { computeLayer, unsupported } from "./layer.js";

/**
 * Python: a layer written in Python, which netrun does not run, but for those that it knows by
 * module and class. A plugin for its module and class serves in its place; without
 * one this refuses the net.
 */
export const Python = computeLayer({
  type: "Python",
  param: "python_param",
  bottoms: [0, Number.POSITIVE_INFINITY],
  tops: [0, Number.POSITIVE_INFINITY],
  exact: true,
  makesTargets: true,
  specific: pythonFacts,
  lower(site) {
    const { module, layer } = site.param;
    const known = Object.hasOwn(pythonLayers, `${module}.${layer}`) ? pythonLayers[`${module}.${layer}`] : undefined;
    if (known) return known(site);
    const { message, notes } = noPython(site.layer);
    throw unsupported(site.error(message, "python_param", notes));
  },
});

/** Message for a Python layer that no plugin stands for. */
export function noPython(python: LayerParameter) {
  const { module, layer } = sub(python, "python_param");
  const unread = pythonFacts(python).data?.unread;
  return {
    message: `netrun runs no Python, and no plugin stands for layer "${layer}" of module "${module}"`,
    notes: [
      ...(unread === undefined ? [] : [unread]),
      ...(python.bottom.length > 0 || unread !== undefined
        ? []
        : ["it brings data in: --data PATH gives it (in the API data, or replaceDataLayers)"]),
      `write it in JavaScript: registerLayer({ type: "Python", module: "${module}", layer: "${layer}", blobs, lower })`,
      "a file of such layers is loaded with --plugin FILE",
    ],
    unsupported: true,
  };
}
