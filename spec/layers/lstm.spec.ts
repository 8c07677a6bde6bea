import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

describe("LSTM", () => {
  it("refuses an input without features", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3)}${inputLayer("t", 2, 3)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" top: "y" recurrent_param { num_output: 2 } }`,
      ),
    ).to.equal('net:3:40: layer "l": bottom "x" [2,3] is not [timesteps, streams, ...features]');
  });

  it("refuses flags that are not one for each step and stream", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 3, 2)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" top: "y" recurrent_param { num_output: 2 } }`,
      ),
    ).to.equal('net:3:52: layer "l": bottom "t" [3,2], the continuation flags, is not [2,3] as bottom "x" [2,3,4]');
  });

  it("refuses a num_output of 0", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" top: "y" }`,
      ),
    ).to.equal('net:3:1: layer "l": num_output must be greater than 0');
  });

  it("refuses a static input of another number of streams", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("s", 2, 5)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" bottom: "s" top: "y" recurrent_param { num_output: 2 } }`,
      ),
    ).to.equal('net:4:64: layer "l": bottom "s" [2,5], a static input, is not [3, ...features]');
  });

  it("refuses hidden states without expose_hidden", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("h", 1, 3, 2)}${inputLayer("c", 1, 3, 2)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" bottom: "h" bottom: "c" top: "y" recurrent_param { num_output: 2 } }`,
      ),
    ).to.equal(
      [
        'net:5:40: layer "l": 2 bottoms, or 3 with a static input, are needed, not 4',
        "note: hidden states are bottoms and tops with expose_hidden: true",
      ].join("\n"),
    );
  });

  it("refuses hidden states of another shape", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("h", 1, 3, 2)}${inputLayer("c", 1, 3, 3)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" bottom: "h" bottom: "c" top: "y" top: "hT" top: "cT" recurrent_param { num_output: 2 expose_hidden: true } }`,
      ),
    ).to.equal('net:5:76: layer "l": bottom "c" [1,3,3], a hidden state, is not [1,3,2]');
  });

  it("refuses to expose hidden states without tops for them", () => {
    expect(
      refusal(
        `${inputLayer("x", 2, 3, 4)}${inputLayer("t", 2, 3)}${inputLayer("h", 1, 3, 2)}${inputLayer("c", 1, 3, 2)}layer { name: "l" type: "LSTM" bottom: "x" bottom: "t" bottom: "h" bottom: "c" top: "y" recurrent_param { num_output: 2 expose_hidden: true } }`,
      ),
    ).to.equal(
      [
        'net:5:85: layer "l": 3 tops are needed, not 1',
        "note: with expose_hidden the first hidden states are the last bottoms, and the last hidden states the last tops",
      ].join("\n"),
    );
  });

  const filler = 'type: "uniform" min: -1 max: 1';
  const recurrent = (steps: number, rest = "", exposed = "") =>
    `${inputLayer("x", steps, 1, 2)}${inputLayer("cont", steps, 1)}${exposed ? inputLayer("h", 1, 1, 2) + inputLayer("c", 1, 1, 2) : ""}layer { name: "l" type: "LSTM" bottom: "x" bottom: "cont" ${exposed} top: "y" recurrent_param { num_output: 2 weight_filler { ${filler} } ${rest} } }`;
  const whole = tensor([1, 2, 3, -1, 0.5, 1], [3, 1, 2]);
  const part = (t: number) => tensor([...whole.data.slice(2 * t, 2 * t + 2)], [1, 1, 2]);

  it("continues from the previous forward where cont is 1, and restarts where it is 0", async () => {
    const { blobs } = await runText(recurrent(3), { x: whole, cont: tensor([0, 1, 1], [3, 1]) });
    const expected = [...blobs["y"]!.data];
    await using net = await Net.load(recurrent(1), { name: "net" });
    const forward = async (t: number, cont: number) => [
      ...(await net.forward({ x: part(t), cont: tensor([cont], [1, 1]) }))["y"]!.data,
    ];
    for (const t of [0, 1, 2])
      expect(await forward(t, t === 0 ? 0 : 1)).to.deep.equal(expected.slice(2 * t, 2 * t + 2));
    expect(await forward(0, 0)).to.deep.equal(expected.slice(0, 2));
  });

  it("starts a backward from the state that its forward started from", async () => {
    await using net = await Net.load(recurrent(1), { name: "net" });
    const seeds = { y: tensor([1, 2], [1, 1, 2]) };
    const inputs = { x: part(0), cont: tensor([1], [1, 1]) };
    await net.forward(inputs);
    await net.forward(inputs);
    const once = [...(await net.backward(seeds))["x"]!.data];
    expect([...(await net.backward(seeds))["x"]!.data]).to.deep.equal(once);
    const fresh = await runText(recurrent(1), inputs, { seeds });
    expect([...fresh.gradients["x"]!.data]).to.not.deep.equal(once);
  });

  it("takes and gives exposed states, without gradients", async () => {
    const exposed = recurrent(1, "expose_hidden: true", 'bottom: "h" bottom: "c" top: "y"').replace(
      /top: "y" recurrent/,
      'top: "hT" top: "cT" recurrent',
    );
    const zero = tensor([0, 0], [1, 1, 2]);
    const flags = tensor([1], [1, 1]);
    const first = await runText(exposed, { x: part(0), cont: flags, h: zero, c: zero });
    const { hT, cT } = first.blobs;
    expect(hT!.data).to.deep.equal(first.blobs["y"]!.data);
    const seeds = { y: tensor([1, 1], [1, 1, 2]), cT: tensor([1, 1], [1, 1, 2]) };
    const second = await runText(exposed, { x: part(1), cont: flags, h: hT!, c: cT! }, { seeds });
    const joined = await runText(recurrent(2), {
      x: tensor([...whole.data.slice(0, 4)], [2, 1, 2]),
      cont: tensor([0, 1], [2, 1]),
    });
    expect([...second.blobs["y"]!.data]).to.deep.equal([...joined.blobs["y"]!.data.slice(2)]);
    expect([...second.gradients["h"]!.data, ...second.gradients["c"]!.data]).to.deep.equal([0, 0, 0, 0]);
    const without = await runText(exposed, { x: part(1), cont: flags, h: hT!, c: cT! }, { seeds: { y: seeds.y } });
    expect(second.gradients["x"]).to.deep.equal(without.gradients["x"]);
  });
});
