import { readFileSync } from "node:fs";
import { expect } from "chai";
import { decode, encode } from "../../lib/caffe/message.js";
import type { NetParameter } from "../../lib/caffe/messages.js";
import { reflect } from "../../lib/caffe/schema.js";
import { NetrunError, positionOf } from "../../lib/error.js";
import { parseText } from "../../lib/text/parse.js";
import { printText } from "../../lib/text/print.js";
import { goldenNames, goldenPath } from "../support/shared.js";

const names = (prefix: string) => goldenNames("text", ".prototxt").filter((name) => name.startsWith(prefix));
const text = (file: string) => readFileSync(goldenPath("text", file), "utf8");
const parse = (file: string, strict = true) =>
  parseText(reflect("NetParameter"), text(file), { name: file, strict }) as NetParameter;

describe("texts that protobuf reads", () => {
  for (const file of names("ok_"))
    it(`${file} is the message of its binary, also when printed and read again`, () => {
      const expected = decode("NetParameter", readFileSync(goldenPath("text", file.replace(".prototxt", ".bin"))));
      const message = parse(file);
      expect(encode(message)).to.deep.equal(encode(expected));
      const printed = printText(message);
      expect(encode(parseText(reflect("NetParameter"), printed) as NetParameter)).to.deep.equal(encode(expected));
    });
});

describe("texts that protobuf refuses", () => {
  for (const file of names("error_"))
    it(`${file} is refused at the offending token`, () => {
      const { line, column } = JSON.parse(text(file.replace(".prototxt", ".json"))) as { line: number; column: number };
      let error: unknown;
      try {
        parse(file);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).to.be.instanceOf(NetrunError);
      expect(positionOf((error as NetrunError).span!)).to.deep.equal({ line, column });
    });
});
