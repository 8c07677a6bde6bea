import { expect } from "chai";
import { NetrunError, nearest, type Source } from "../lib/error.js";

const source = (text: string): Source => ({ name: "net.prototxt", text });

describe("NetrunError", () => {
  it("prints file, line and column, the line with a caret, and the notes", () => {
    const text = 'layer {\n  bottom: "pool3"\n}\n';
    const start = text.indexOf('"pool3"');
    const error = new NetrunError("no such bottom", {
      span: { source: source(text), start, end: start + 7 },
      notes: ['did you mean "pool2"?'],
    });
    expect(error.format()).to.equal(
      [
        "net.prototxt:2:11: no such bottom",
        '  2 |   bottom: "pool3"',
        "    |           ^^^^^^^",
        'note: did you mean "pool2"?',
      ].join("\n"),
    );
  });

  it("keeps tabs in front of the caret, and leaves carriage returns out", () => {
    const text = "a: 1\r\n\tb: 2\r\n";
    const error = new NetrunError("wrong", { span: { source: source(text), start: 10, end: 11 } });
    expect(error.format()).to.equal("net.prototxt:2:5: wrong\n  2 | \tb: 2\n    | \t   ^");
  });

  it("shows the part of a very long line that matters", () => {
    const text = `${"x".repeat(5000)}bad`;
    const lines = new NetrunError("wrong", { span: { source: source(text), start: 5000, end: 5003 } })
      .format()
      .split("\n");
    expect(lines[0]).to.equal("net.prototxt:1:5001: wrong");
    expect(lines[1]!.length).to.be.below(140);
    expect(lines[1]!.slice(lines[2]!.indexOf("^"))).to.equal("bad");
  });

  it("cuts messages and notes of any length, which names in a file may give them", () => {
    const [message = "", note = ""] = new NetrunError("x".repeat(1e6), { notes: ["y".repeat(1e6)] })
      .format()
      .split("\n");
    for (const line of [message, note]) expect(line).to.match(/^(note: )?[xy]{4000}\.\.\. \(1000000 characters\)$/);
  });

  it("names the file where there is no place in it", () => {
    expect(new NetrunError("cut off", { file: "a.caffemodel" }).format()).to.equal("a.caffemodel: cut off");
  });
});

describe("nearest", () => {
  it("finds a word with a letter swapped, missing, added or in another case", () => {
    const words = ["Convolution", "Pooling", "InnerProduct"];
    expect(nearest("Convolutoin", words)).to.equal("Convolution");
    expect(nearest("Poling", words)).to.equal("Pooling");
    expect(nearest("InnerProductt", words)).to.equal("InnerProduct");
    expect(nearest("pooling", words)).to.equal("Pooling");
  });

  it("finds nothing where nothing is near", () => {
    expect(nearest("Upsample", ["Convolution", "Pooling"])).to.equal(undefined);
  });
});
