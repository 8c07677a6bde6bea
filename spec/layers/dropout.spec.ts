import { expect } from "chai";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("Dropout", () => {
  it("refuses a ratio of 1, which keeps nothing", () => {
    expect(
      refusal(
        `${inputLayer("x", 3)}layer { name: "l" type: "Dropout" bottom: "x" top: "y" dropout_param { dropout_ratio: 1 } }`,
      ),
    ).to.equal(
      [
        'net:2:87: layer "l": dropout_ratio 1 is not in [0, 1)',
        "note: it is the probability with which an entry is dropped",
      ].join("\n"),
    );
  });

  it("refuses a negative ratio", () => {
    expect(
      refusal(
        `${inputLayer("x", 3)}layer { name: "l" type: "Dropout" bottom: "x" top: "y" dropout_param { dropout_ratio: -0.5 } }`,
      ),
    ).to.equal(
      [
        'net:2:87: layer "l": dropout_ratio -0.5 is not in [0, 1)',
        "note: it is the probability with which an entry is dropped",
      ].join("\n"),
    );
  });

  const text = `${inputLayer("x", 1000)}layer { name: "l" type: "Dropout" bottom: "x" top: "y" dropout_param { dropout_ratio: 0.75 } }`;
  const ones = tensor(Array<number>(1000).fill(1));

  it("drops with the probability of its ratio, scales what it keeps, and has the same mask backward", async () => {
    const { blobs, gradients } = await runText(text, { x: ones }, { phase: "TRAIN", seeds: { y: ones } });
    const y = [...blobs["y"]!.data];
    expect(new Set(y)).to.deep.equal(new Set([0, 4]));
    expect(y.filter((value) => value === 4).length).to.be.within(200, 300);
    expect([...gradients["x"]!.data]).to.deep.equal(y);
  });

  it("passes everything in TEST", async () => {
    const { blobs } = await runText(text, { x: ones });
    expect([...blobs["y"]!.data]).to.deep.equal([...ones.data]);
  });

  it("goes by its own phase before the net's", async () => {
    const own = text.replace('type: "Dropout"', 'type: "Dropout" phase: TEST');
    const { blobs } = await runText(own, { x: ones }, { phase: "TRAIN" });
    expect([...blobs["y"]!.data]).to.deep.equal([...ones.data]);
  });
});
