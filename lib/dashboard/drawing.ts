import type { NetParameter } from "../caffe/messages.js";
import { drawSvg } from "../inspect/drawing.js";
import { inspectNet } from "../inspect/index.js";

/** The net that is trained as a picture in SVG: a box a layer, with the shapes of blobs at its edges. Throws NetrunError. */
export async function drawNet(net: NetParameter, baseDir: string, path?: string): Promise<string> {
  const summary = await inspectNet(net, { phase: "TRAIN", baseDir, path });
  return drawSvg([summary]);
}
