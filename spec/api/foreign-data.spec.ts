import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import type { NetrunError } from "../../lib/error.js";

const net = (data: string) => `${data}
layer { name: "p" type: "Power" bottom: "data" top: "p" power_param { scale: 2 } }`;
const PYTHON = `layer { name: "d" type: "Python" top: "data" python_param { module: "m" layer: "L" param_str: "batch_size: 2" } }`;
const ODD = `layer { name: "d" type: "OddData" top: "data" odd_param { batch_size: 2 } }`;

describe("layers that bring data in, whatever their name or language", () => {
  for (const [name, layer] of [
    ["Python", PYTHON],
    ["of no type of netrun's", ODD],
  ] as const)
    it(`are fed rows in their place: ${name}`, async () => {
      await using loaded = await Net.load(net(layer), { phase: "TEST", data: [{ data: [1, 2] }, { data: [3, 4] }] });
      const { p } = await loaded.forward();
      expect([p!.shape, [...p!.data]]).to.deep.equal([
        [2, 2],
        [2, 4, 6, 8],
      ]);
    });

  it("are refused at their place without data, with the way to give it", async () => {
    const error = await Net.load(net(ODD)).catch((thrown: unknown) => thrown);
    expect((error as NetrunError).format()).to.match(
      /:1:\d+: layer "d": it brings data in, and netrun has no layer type "OddData"\n[\s\S]*note: give its data: --data PATH/,
    );
  });
});
