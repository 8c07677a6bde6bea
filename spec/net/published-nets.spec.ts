import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { filterNet, mergeStates } from "../../lib/caffe/filter.js";
import { kindOfText, loadNet } from "../../lib/caffe/load.js";
import { create } from "../../lib/caffe/message.js";
import { Phase } from "../../lib/caffe/messages.js";
import { differencesFromCaffe } from "../../lib/net/differences.js";
import { hasShared, root, sharedPath } from "../support/shared.js";

/** Nets in the files of a folder, by path; templates, which have words in the place of numbers, are none, and no label maps. */
const netsIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".prototxt"))
    .map((file) => join(folder, file))
    .filter((path) => !/num_output: *[a-z]|^item *\{/m.test(readFileSync(path, "utf8")))
    .filter((path) => kindOfText(readFileSync(path, "utf8"), path) === "NetParameter");

/** Warnings of a net that trains, all of whose layers learn. */
function warnings(path: string): readonly string[] {
  const { message } = loadNet(path);
  const { layer } = filterNet(message, mergeStates(message.state, create("NetState", { phase: Phase.TRAIN })));
  const learning = new Set(layer.map(({ name }) => name));
  const options = { phase: "TRAIN", forceBackward: message.force_backward, learning } as const;
  const found = (["trainable", "all"] as const).flatMap((wanted) =>
    differencesFromCaffe(layer, { ...options, wanted, caffeQuirks: false }),
  );
  return found.map(({ warning }) => warning.format());
}

describe("published nets", () => {
  it("are computed as by Caffe: those of models/ cause no warning", () => {
    const nets = netsIn(join(root, "models"));
    expect(nets.length).to.be.above(2);
    for (const path of nets) expect(warnings(path), path).to.be.empty;
  });

  it("of BVLC and others cause no warning either", function () {
    if (!hasShared()) this.skip();
    const nets = netsIn(sharedPath("zoo"));
    for (const name of ["caffenet", "googlenet", "lenet"])
      expect(
        nets.some((path) => path.toLowerCase().includes(name)),
        name,
      ).to.equal(true);
    for (const path of nets) expect(warnings(path), path).to.be.empty;
  });
});
