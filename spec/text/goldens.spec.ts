import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { decode, encode } from "../../lib/caffe/message.js";
import type { NetParameter } from "../../lib/caffe/messages.js";
import { reflect } from "../../lib/caffe/schema.js";
import { NetrunError, positionOf } from "../../lib/error.js";
import { parseText } from "../../lib/text/parse.js";
import { printText } from "../../lib/text/print.js";
import { describeShared, sharedPath } from "../support/shared.js";

const folder = sharedPath("goldens", "text");
const names = (prefix: string) =>
  existsSync(folder) ? readdirSync(folder).filter((f) => f.startsWith(prefix) && f.endsWith(".prototxt")) : [];
const parse = (file: string, strict = true) =>
  parseText(reflect("NetParameter"), readFileSync(`${folder}/${file}`, "utf8"), { name: file, strict }) as NetParameter;

describeShared("texts that protobuf reads", () => {
  for (const file of names("ok_"))
    it(`${file} is the message of its binary, also when printed and read again`, () => {
      const expected = decode("NetParameter", readFileSync(`${folder}/${file.replace(".prototxt", ".bin")}`));
      const message = parse(file);
      expect(encode(message)).to.deep.equal(encode(expected));
      const printed = printText(message);
      expect(encode(parseText(reflect("NetParameter"), printed) as NetParameter)).to.deep.equal(encode(expected));
    });
});

describeShared("texts that protobuf refuses", () => {
  for (const file of names("error_"))
    it(`${file} is refused at the offending token`, () => {
      const json = readFileSync(`${folder}/${file.replace(".prototxt", ".json")}`, "utf8");
      const { line, column } = JSON.parse(json) as { line: number; column: number };
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
