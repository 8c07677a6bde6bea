import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { NetrunError } from "../../lib/error.js";
import { lower } from "../../lib/net/lower.js";

const data = (dims: string) => `layer { name: "d" type: "Input" top: "x" input_param { shape { dim: [${dims}] } } }`;
const over = (type: string, param: string) => `layer { name: "l" type: "${type}" bottom: "x" top: "y" ${param} }`;
/** So many dims of 1. */
const ones = (axes: number) => Array(axes).fill(1).join();

function refusal(text: string): string {
  try {
    lower(loadNet(text, { name: "net" }).message.layer, { phase: "TEST" });
  } catch (error) {
    if (error instanceof NetrunError) return error.message;
    throw error;
  }
  throw new Error("not refused");
}

describe("sizes that no net can have are refused before anything is allocated:", () => {
  const cases: readonly (readonly [what: string, net: string, message: RegExp])[] = [
    [
      "a top",
      data("4000000000, 4000000000"),
      /^layer "d": top "x" is \[4000000000,4000000000\], more than the 2147483647/,
    ],
    ["33 axes", data(ones(33)), /^layer "d": top "x" is \[1,1,1,1,1,1,1,1,\.\.\.\], more than the 32 axes that/],
    [
      "a million axes",
      data(ones(1_000_000)),
      /^layer "d": top "x" is \[1,1,1,1,1,1,1,1,\.\.\.\], more than the 32 axes/,
    ],
    ["a negative dimension", data("-1, 3"), /^layer "d": top "x" is \[-1,3\], with a negative dimension/],
    [
      "parameters",
      data("1, 1000000") + over("InnerProduct", "inner_product_param { num_output: 4294967295 }"),
      /^layer "l": parameter 0 is \[4294967295,1000000\], more than/,
    ],
    [
      "what a layer makes",
      data("2, 3") + over("Tile", "tile_param { tiles: 2147483647 }"),
      /^layer "l": top "y" is \[2,6442450941\], more than/,
    ],
    [
      "DummyData",
      'layer { name: "l" type: "DummyData" top: "y" dummy_data_param { shape { dim: [100000, 100000] } } }',
      /^layer "l": a top is \[100000,100000\], more than/,
    ],
    [
      "timesteps",
      data("70000000, 1, 1") +
        'layer { name: "c" type: "Input" top: "c" input_param { shape { dim: [70000000, 1] } } }' +
        'layer { name: "l" type: "RNN" bottom: "x" bottom: "c" top: "y" recurrent_param { num_output: 1 } }',
      /^layer "l": its parameters make it too large: more than 200000 operations/,
    ],
  ];
  for (const [what, net, message] of cases) it(what, () => expect(refusal(net)).to.match(message));

  it("32 axes are allowed, as in Caffe", () => {
    lower(loadNet(data(ones(32))).message.layer, { phase: "TEST" });
  });
});
