import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { Net } from "../../lib/index.js";
import { layoutOf, view } from "../../lib/net/layout.js";
import { lower } from "../../lib/net/lower.js";
import { createMissing, createWeights, loadWeights } from "../../lib/run/weights.js";

const net = (...layers: readonly string[]) => `
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
  ${layers.join("\n")}`;
const ip = (name: string, filler = "xavier") => `layer { name: "${name}" type: "InnerProduct" bottom: "x" top: "${name}"
  inner_product_param { num_output: 4 weight_filler { type: "${filler}" } bias_filler { type: "gaussian" } } }`;

const layout = (text: string) => layoutOf(lower(loadNet(text).message.layer, { phase: "TRAIN" }));
const stored = (name: string) => new Map([[name, [{ shape: [4, 3], data: new Float32Array(12) }]]]);

describe("new weights", () => {
  const all = layout(net(ip("a"), ip("b"), ip("c")));

  it("are not filled where a file has their layer; the others are the same numbers as ever", () => {
    const filled = createWeights(all, 7).data;
    const { data } = createWeights(all, 7, [stored("b")]);
    for (const [key, slot] of all.slots) {
      const expected = key.startsWith("b/") ? new Float32Array(slot.length) : view(filled, slot);
      expect(view(data, slot), key).to.deep.equal(expected);
    }
  });

  it("that another net lacks are the same numbers as all of them would have", () => {
    const filled = createWeights(all, 7).data;
    const own = createMissing(all, 7, layout(net(ip("b"))));
    expect([...own.keys()]).to.deep.equal(["a/0", "a/1", "c/0", "c/1"]);
    for (const [key, values] of own) expect(values, key).to.deep.equal(view(filled, all.slots.get(key)!));
  });

  it("need fillers that exist in layers of a file too", () => {
    expect(() => createWeights(layout(net(ip("b", "xavir"))), 7, [stored("b")])).to.throw(
      'layer "b": unknown filler "xavir"',
    );
  });

  it("need no filler of a fork where a file has its layer", () => {
    const given = 'file" file: "weights.txt';
    const { data } = createWeights(layout(net(ip("a"), ip("b", given))), 7, [stored("b")]);
    expect(data).to.have.length(createWeights(layout(net(ip("a"), ip("b"))), 7).data.length);
    expect(() => createWeights(layout(net(ip("b", given))), 7)).to.throw(
      'layer "b": file: "weights.txt" is a field of a fork of Caffe that netrun does not have',
    );
  });

  it("are those of the last file that has a layer", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netrun-spec-"));
    try {
      const files = [join(folder, "one.caffemodel"), join(folder, "two.caffemodel")];
      const texts = [net(ip("a"), ip("b")), net(ip("b"), ip("d"))];
      for (const [i, text] of texts.entries()) {
        await using source = await Net.load(text, { seed: 100 + i });
        await source.save(files[i]!);
      }
      const { data } = await loadWeights(all, 7, files);
      const [one, two] = texts.map((text, i) => ({
        of: layout(text),
        data: createWeights(layout(text), 100 + i).data,
      }));
      const from = { a: one!, b: two!, c: { of: all, data: createWeights(all, 7).data } };
      for (const [key, slot] of all.slots) {
        const { of, data: expected } = from[key[0] as keyof typeof from];
        expect(view(data, slot), key).to.deep.equal(view(expected, of.slots.get(key)!));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
