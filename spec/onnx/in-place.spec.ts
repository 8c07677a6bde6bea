import { expect } from "chai";
import { constant, float32, input, type Value } from "../../lib/graph/index.js";
import { emit } from "../../lib/onnx/emit.js";
import { inPlaceCheck, writesInPlace } from "../../lib/onnx/in-place.js";
import { openSession } from "../../lib/onnx/session.js";
import { add, gather, mul, softmax, sub, topK } from "../../lib/ops/index.js";

const SIZE = 12;
const x = input("x", float32([3, 4]));
const outputs = new Map([
  ["soft", softmax(x, 1)],
  ["line", add(mul(x, constant(1.7)), constant(-0.3))],
  ["places", topK(x, 1, 2).indices],
]);
const feeds = { x: Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i * 1.3)) };
const marked = emit({ name: "t", outputs }, { inPlaceOutputs: true });

/** The outputs as a session gives them that copies. */
async function expected() {
  await using session = await openSession(emit({ name: "t", outputs }));
  return await session.run(feeds, session.outputs);
}

const ways = { "in place": writesInPlace, "by copies, where onnxruntime does not": async () => false };
for (const [way, canWriteInPlace] of Object.entries(ways)) {
  describe(`outputs written ${way}`, () => {
    const open = () => openSession(marked, {}, canWriteInPlace);

    it("are in the given arrays, and bit-identical", async () => {
      await using session = await open();
      const into = { soft: new Float32Array(SIZE), line: new Float32Array(SIZE + 3).subarray(2, 2 + SIZE) };
      for (let i = 0; i < 3; i++) {
        into.soft.fill(0);
        into.line.fill(0);
        const result = await session.run(feeds, session.outputs, into);
        expect(result).to.deep.equal(await expected());
        expect(result["soft"]).to.equal(into.soft);
        expect(result["line"]).to.equal(into.line);
      }
    });

    it("are new arrays where none is given, run by run", async () => {
      await using session = await open();
      const first = await session.run(feeds, ["soft", "places"]);
      const second = await session.run({ x: feeds.x.map((each) => -each) }, ["soft", "places"]);
      const { soft, places } = await expected();
      expect(first).to.deep.equal({ soft, places });
      expect(second["soft"]).to.not.deep.equal(soft);
    });

    it("may be written over the input of elementwise operations", async () => {
      await using session = await open();
      const own = feeds.x.slice();
      await session.run({ x: own }, ["line"], { line: own });
      expect(own).to.deep.equal((await expected())["line"]);
    });

    it("leave what lies around them", async () => {
      await using session = await open();
      const around = new Float32Array(SIZE + 8).fill(7);
      await session.run(feeds, ["line"], { line: around.subarray(4, 4 + SIZE) });
      expect([...around.subarray(0, 4), ...around.subarray(4 + SIZE)]).to.deep.equal(new Array(8).fill(7));
    });

    it("need arrays of their length and names of outputs", async () => {
      await using session = await open();
      const fail = async (fetch: string[], into: Record<string, Float32Array>) =>
        session.run(feeds, fetch, into).then(
          () => "nothing",
          (error: Error) => error.message,
        );
      expect(await fail(["soft"], { soft: new Float32Array(SIZE - 1) })).to.equal(
        "output soft has 12 elements, not 11",
      );
      expect(await fail(["other"], {})).to.equal("there is no output other");
      expect(await fail(["soft"], { line: new Float32Array(SIZE) })).to.equal("output line is not fetched");
    });

    it("are not taken for written where the run fails", async () => {
      const rows = gather(input("table", float32([3, 2])), input("rows", { dtype: "int64", shape: [1] }), 0);
      const model = emit({ name: "t", outputs: new Map([["y", rows]]) }, { inPlaceOutputs: true });
      await using session = await openSession(model, {}, canWriteInPlace);
      const run = session.run({ table: new Float32Array(6), rows: BigInt64Array.of(7n) }, ["y"], {
        y: new Float32Array(2),
      });
      const message = await run.then(
        () => "nothing",
        (error: Error) => error.message,
      );
      expect(message).to.include("7");
    });
  });
}

describe("the check of whether outputs are written in place", () => {
  it("finds that this onnxruntime does", async () => {
    expect(await writesInPlace()).to.equal(true);
  });

  it("is made once, and warns in one line where it fails", async () => {
    const lines: string[] = [];
    let trials = 0;
    const check = inPlaceCheck(
      async () => {
        trials++;
        return "it does otherwise";
      },
      (line) => lines.push(line),
    );
    expect([await check(), await check()]).to.deep.equal([false, false]);
    expect(trials).to.equal(1);
    expect(lines).to.deep.equal([
      "onnxruntime does not write outputs in place (it does otherwise): they are copied, which is slower",
    ]);
  });
});

describe("the check of whether an output may be written over an input", () => {
  const w = input("w", float32([SIZE]));
  const h = input("h", float32([SIZE]));
  const step = add(mul(h, constant(0.9)), w);
  const may = async (graph: Readonly<Record<string, Value>>, output: string, leaf: string) => {
    await using session = await openSession(emit({ name: "t", outputs: new Map(Object.entries(graph)) }));
    return session.mayOverwrite(output, leaf);
  };

  it("allows it where all that reads the input comes before", async () => {
    expect(await may({ "new/h": step, "new/w": sub(w, step) }, "new/h", "h")).to.equal(true);
    expect(await may({ "new/h": step, "new/w": sub(w, step) }, "new/w", "w")).to.equal(true);
  });

  it("forbids it where something reads the input afterwards, or at any time", async () => {
    expect(await may({ "new/h": step, "new/w": sub(w, mul(h, step)) }, "new/h", "h")).to.equal(false);
    expect(await may({ "new/h": step, "new/w": sub(w, step) }, "new/h", "w")).to.equal(false);
  });

  it("forbids it for an op that reads elements after it has written others, and for another shape", async () => {
    expect(await may({ y: softmax(w, 0) }, "y", "w")).to.equal(false);
    expect(await may({ y: add(x, input("row", float32([1, 4]))) }, "y", "row")).to.equal(false);
  });
});
