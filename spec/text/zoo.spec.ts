import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { loadNet, loadSolver } from "../../lib/caffe/load.js";
import { encode, type Message } from "../../lib/caffe/message.js";
import { reflect } from "../../lib/caffe/schema.js";
import { NetrunError } from "../../lib/error.js";
import { parseText } from "../../lib/text/parse.js";
import { printText } from "../../lib/text/print.js";
import { describeShared, sharedPath } from "../support/shared.js";

const folder = sharedPath("zoo", "prototxt");
const files = existsSync(folder)
  ? (readdirSync(folder, { recursive: true }) as string[]).filter((file) => /\.(prototxt|pt)$/.test(file)).sort()
  : [];
const texts = new Map(files.map((file) => [file, readFileSync(`${folder}/${file}`, "utf8")]));
const typeOf = (file: string) => reflect(/solver/.test(file) ? "SolverParameter" : "NetParameter");

/** Not prototxts: num_output is a placeholder for a script to fill in. */
const isTemplate = (file: string) => file.includes("_template.prototxt");
const prototxts = files.filter((file) => !isTemplate(file));

describeShared("published prototxts", () => {
  it(`all ${prototxts.length} parse, together in less than 2 s`, () => {
    // In time of the processor, so that the machine's other work does not count.
    const start = process.cpuUsage();
    for (const file of prototxts) parseText(typeOf(file), texts.get(file)!, { name: file });
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).to.be.below(2000);
    expect(prototxts).to.have.length(153);
  });

  for (const file of prototxts)
    it(`${file} is printed so that it reads back the same`, () => {
      const message = parseText(typeOf(file), texts.get(file)!) as Message;
      const printed = printText(message);
      const again = parseText(typeOf(file), printed) as Message;
      expect(Buffer.from(encode(again)).equals(encode(message))).to.equal(true);
      // Fields that the schema does not know are only in the text.
      expect(printText(again)).to.equal(printed);
    });

  it("load, whatever their format, with warnings only about their format; a label map is said to be one", () => {
    const warnings = new Set<string>();
    const onWarning = ({ message }: NetrunError) => warnings.add(message);
    const [labels, ...more] = prototxts.filter((file) => file.includes("labelmap"));
    expect(more).to.deep.equal([]);
    expect(() => loadNet(`${folder}/${labels}`)).to.throw(NetrunError, "this is a label map, where a net is expected");
    for (const file of prototxts.filter((each) => each !== labels)) {
      if (/solver/.test(file)) loadSolver(`${folder}/${file}`, { onWarning });
      else loadNet(`${folder}/${file}`, { onWarning });
    }
    expect([...warnings].sort()).to.deep.equal([
      "has old BatchNorm param specs, read as what they are today",
      "has old input fields, read as what they are today",
      "has old solver_type, read as what they are today",
    ]);
  });

  for (const file of files.filter(isTemplate))
    it(`${file} is refused at its first placeholder`, () => {
      expect(() => loadNet(`${folder}/${file}`)).to.throw(NetrunError, 'num_output is an integer, found "cls3x"');
    });
});
