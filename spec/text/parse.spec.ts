import { expect } from "chai";
import { encode } from "../../lib/caffe/message.js";
import type { LayerParameter, NetParameter } from "../../lib/caffe/messages.js";
import { reflect } from "../../lib/caffe/schema.js";
import { NetrunError } from "../../lib/error.js";
import { spanOf } from "../../lib/text/notes.js";
import { type ParseOptions, parseText } from "../../lib/text/parse.js";
import { printText } from "../../lib/text/print.js";

const net = (text: string, options: ParseOptions = {}) =>
  parseText(reflect("NetParameter"), text, { name: "net.prototxt", ...options }) as NetParameter;

function refusal(text: string, options: ParseOptions = {}): string {
  try {
    net(text, options);
  } catch (error) {
    if (error instanceof NetrunError) return error.format();
    throw error;
  }
  throw new Error("not refused");
}

describe("reading prototxt", () => {
  it("takes lists in square brackets, of values and of messages", () => {
    const message = net("input_dim: [1, 3, 0x10] input_dim: [] input_shape [{dim: 1}, <dim: [2, 3]>]");
    expect(message.input_dim).to.deep.equal([1, 3, 16]);
    expect(message.input_shape.map(({ dim }) => dim)).to.deep.equal([[1], [2, 3]]);
  });

  it("takes a byte order mark, CRLF and UTF-8", () => {
    const message = net('\uFEFFname: "Größe"\r\nlayer {\r\n name: "a" }\r\n');
    expect([message.name, message.layer[0]!.name]).to.deep.equal(["Größe", "a"]);
  });

  it("takes inf and nan in any case, and floats that are rounded to float32", () => {
    const message = net("layer { loss_weight: [INF, -Infinity, NaN, 0.1, 1e400] }");
    expect(message.layer[0]!.loss_weight).to.deep.equal([Infinity, -Infinity, NaN, Math.fround(0.1), Infinity]);
  });

  it("takes \\u and \\x escapes and strings after one another", () => {
    expect(net(`name: "\\u00e9\\x41" # then\n 'b'"\\303\\251"`).name).to.equal("éAbé");
  });

  it("reads a blob's values into a typed array", () => {
    const message = net("layer { blobs { data: 1 data: [2, 3] shape { dim: 3 } } }");
    expect(message.layer[0]!.blobs[0]!.data).to.deep.equal(Float32Array.of(1, 2, 3));
  });

  it("reads a million lines of comments in passing", () => {
    expect(net(`${"# c\n".repeat(1e6)}name: "a"`).name).to.equal("a");
  });
});

describe("refusing prototxt", () => {
  it("suggests the enum value that was meant", () => {
    expect(refusal("layer { pooling_param { pool: AVG } }")).to.equal(
      [
        "net.prototxt:1:31: pool has no value AVG",
        "  1 | layer { pooling_param { pool: AVG } }",
        "    |                               ^^^",
        "note: did you mean AVE?",
        "note: it is one of MAX, AVE, STOCHASTIC",
      ].join("\n"),
    );
  });

  it("says where a field was set first", () => {
    expect(refusal('name: "a"\nlayer { }\nname: "b"')).to.match(
      /^net.prototxt:3:7: name is set twice in one NetParameter\n[\s\S]*note: it is first set on line 1$/,
    );
    expect(refusal("layer { relu_param { } relu_param { } }")).to.match(/^net.prototxt:1:24: relu_param is set twice/);
  });

  const refused: readonly (readonly [text: string, message: RegExp])[] = [
    ["layer {", /^net.prototxt:1:8: expected a field of LayerParameter or "}", found the end of the text/],
    ["layer { x { a: ] } }", /^net.prototxt:1:16: expected a value, found "]"/],
    ["input_dim: 08", /^net.prototxt:1:12: 08 is not a number\n[\s\S]*octal/],
    ["input_dim: 2147483648", /^net.prototxt:1:12: input_dim is from -2147483648 to 2147483647, found 2147483648/],
    ["input_dim: 1.5", /^net.prototxt:1:12: input_dim is an integer, found "1.5"/],
    ["input_dim: [1 2]", /^net.prototxt:1:15: expected "," or "]" in a list, found "2"/],
    ["force_backward: 2", /^net.prototxt:1:17: force_backward is true or false, found "2"/],
    [
      "layer { loss_weight: $" + "{WEIGHT} }",
      /^net.prototxt:1:22: loss_weight is a number, found "\$\{WEIGHT\}"(.|\n)*\$\{WEIGHT\} is a place in a template/,
    ],
    [
      "layer { inner_product_param { num_output: $" + "{N} } }",
      /found "\$\{N\}"(.|\n)*\$\{N\} is a place in a template/,
    ],
    [
      "name: \u201cnet\u201d",
      /^net.prototxt:1:7: name is a string in quotes, found "\u201c"(.|\n)*\u201c is a word processor's quote: text has straight ones/,
    ],
    ["layer { loss_weight: 0x10 }", /^net.prototxt:1:22: loss_weight is a number, found "0x10"/],
    ['name: "a\\q"', /^net.prototxt:1:9: no such escape in a string/],
    ["constructor: 1", /^net.prototxt:1:1: NetParameter has no field constructor/],
    ['name: "a', /^net.prototxt:1:7: this string has no closing quote on its line/],
    ["layer { layer {", /^net.prototxt:1:16: expected a field of layer or "}", found the end of the text/],
  ];
  for (const [text, message] of refused)
    it(`says what is wrong with ${text}`, () =>
      expect(refusal(text, { strict: text.startsWith("constructor") })).to.match(message));

  it("stops at a nesting that no message needs", () => {
    const nested = (depth: number) => `${"a {".repeat(depth)}${"}".repeat(depth)}`;
    expect(() => net(nested(100))).not.to.throw();
    expect(refusal(nested(100_000))).to.match(/^net.prototxt:1:306: messages nest deeper than 100/);
  });
});

describe("fields that the schema does not know", () => {
  const text = `layer {
  name: "up"
  upsample_params { scale: 2 mode: NEAREST pads: [1, -2] tag: "a" "b" }
  kernelsize: 3
}
layer { kernelsize: 5 }
[caffe.ext]: true
`;

  it("are warned about once each, where they are first seen, with the nearest field", () => {
    const warnings: string[] = [];
    net(text, { onWarning: (warning) => warnings.push(warning.format()) });
    expect(warnings).to.deep.equal([
      [
        "net.prototxt:3:3: LayerParameter has no field upsample_params",
        '  3 |   upsample_params { scale: 2 mode: NEAREST pads: [1, -2] tag: "a" "b" }',
        "    |   ^^^^^^^^^^^^^^^",
        ...warnings[0]!.split("\n").slice(3),
      ].join("\n"),
      [
        "net.prototxt:4:3: LayerParameter has no field kernelsize",
        "  4 |   kernelsize: 3",
        "    |   ^^^^^^^^^^",
        "note: Caffe has no such field; it is from a fork of Caffe or misspelt",
        "note: it is set 2 times",
      ].join("\n"),
      [
        "net.prototxt:7:1: NetParameter has no field [caffe.ext]",
        "  7 | [caffe.ext]: true",
        "    | ^^^^^^^^^^^",
        "note: Caffe has no such field; it is from a fork of Caffe or misspelt",
      ].join("\n"),
    ]);
  });

  it("suggest the field that was meant", () => {
    expect(refusal("layer { convolution_param { num_outputs: 2 } }", { strict: true })).to.match(
      /:29: ConvolutionParameter has no field num_outputs\n[\s\S]*note: did you mean num_output\?$/,
    );
  });

  it("are printed after the others, and read again the same", () => {
    const printed = printText(net(text));
    expect(printed).to.equal(`layer {
  name: "up"
  upsample_params {
    scale: 2
    mode: NEAREST
    pads: 1
    pads: -2
    tag: "a" "b"
  }
  kernelsize: 3
}
layer {
  kernelsize: 5
}
[caffe.ext]: true
`);
    expect(printText(net(printed))).to.equal(printed);
  });
});

describe("where a field was written", () => {
  const text = 'name: "n"\nlayer { name: "a" bottom: ["x", "y"] bottom: "z"\n  pooling_param { kernel_size: 3 } }';
  const message = net(text);
  const layer: LayerParameter = message.layer[0]!;
  const written = (of: object, field?: string, index?: number) => {
    const span = spanOf(of, field, index);
    return span && text.slice(span.start, span.end);
  };

  it("is a scalar's value, in a list by its index", () => {
    expect(written(message, "name")).to.equal('"n"');
    expect([0, 1, 2, 3].map((i) => written(layer, "bottom", i))).to.deep.equal(['"x"', '"y"', '"z"', undefined]);
    expect(written(layer.pooling_param!, "kernel_size")).to.equal("3");
  });

  it("is a message's whole field", () => {
    expect(written(layer.pooling_param!)).to.equal("pooling_param { kernel_size: 3 }");
    expect(written(layer, "pooling_param")).to.equal("pooling_param { kernel_size: 3 }");
    expect(written(message.layer[0]!)).to.equal(text.slice(text.indexOf("layer")));
  });

  it("is undefined for what was not written", () => {
    expect(written(layer, "type")).to.equal(undefined);
    expect(spanOf({})).to.equal(undefined);
  });
});

describe("printing prototxt", () => {
  it("prints set fields in the schema's order, even with their defaults", () => {
    const message = net("layer { top: 'b' pooling_param { pool: MAX } type: 'Pooling' } debug_info: false name: 'n'");
    expect(printText(message)).to.equal(`name: "n"
debug_info: false
layer {
  type: "Pooling"
  top: "b"
  pooling_param {
    pool: MAX
  }
}
`);
  });

  it("gives floats the fewest digits that read back to the same float32", () => {
    const floats = ["0.1", "1e-8", "0.00390625", "3.4028235e38", "-0", "16777216", "inf", "-inf", "nan", "1e-45"];
    const message = net(`layer { loss_weight: [${floats.join(",")}] }`);
    expect(printText(message).match(/(?<=loss_weight: ).*/g)).to.deep.equal([
      "0.1",
      "1e-8",
      "0.00390625",
      "3.4028235e+38",
      "-0",
      "16777216",
      "inf",
      "-inf",
      "nan",
      "1e-45",
    ]);
  });

  it("escapes what a string cannot hold", () => {
    const message = net(String.raw`name: "\n\t\001\\\"'é"`);
    expect(printText(message)).to.equal(`${String.raw`name: "\n\t\001\\\"'é"`}\n`);
    expect(encode(net(printText(message)))).to.deep.equal(encode(message));
  });
});
