import { expect } from "chai";
import { apply, constant, float32, input, labelled, printGraph, topological } from "../../lib/graph/index.js";
import { Add, add, mul, relu, transpose } from "../../lib/ops/index.js";

describe("graph", () => {
  it("prints nodes in topological order with their types and layers", () => {
    const x = input("x", float32([2, 3]));
    const y = labelled("scale", () => mul(x, constant(2)));
    expect(printGraph([add(y, y)])).to.equal(
      [
        "x: float32[2,3] = Input()",
        "%1: float32[] = Constant()  # scale",
        "%2: float32[2,3] = Mul(x, %1)  # scale",
        "%3: float32[2,3] = Add(%2, %2)",
        "return %3",
      ].join("\n"),
    );
  });

  it("visits a node once, inputs before users, however deep the graph is", () => {
    let x = input("x", float32([1]));
    for (let i = 0; i < 100_000; i++) x = add(x, x);
    expect(topological([x])).to.have.length(100_001);
  });

  it("infers shapes by broadcasting, and refuses what does not broadcast", () => {
    const x = input("x", float32([2, 1, 4]));
    expect(add(x, input("y", float32([3, 1]))).type.shape).to.deep.equal([2, 3, 4]);
    expect(() => add(x, input("z", float32([3])))).to.throw("shapes [2,1,4] and [3] do not broadcast");
  });

  it("refuses a wrong number of inputs", () => {
    expect(() => apply(Add, null, constant(1))).to.throw("Add takes 2 inputs, not 1");
  });

  it("returns values that an op would not change", () => {
    const x = relu(input("x", float32([2, 3])));
    expect(transpose(x, [0, 1])).to.equal(x);
  });
});
