import { expect } from "chai";
import { checkNumber, countOrNone, countRange, describeRange, parseNumber, SEED } from "../../lib/options/number.js";

describe("numbers of options", () => {
  it("are described by their range and unit", () => {
    expect(describeRange(countRange("batches"))).to.equal("a whole number of batches, 1 or more");
    expect(describeRange({ min: 0, max: 1 })).to.equal("a number from 0 to 1");
    expect(describeRange({ above: 0, unit: "seconds" })).to.equal("a number of seconds above 0");
    expect(describeRange({})).to.equal("a number");
  });

  it("are read as JavaScript writes them", () => {
    expect(["0.5", "1e-4", "-3", ".25", "0x10"].map((text) => parseNumber("--n", text, {}))).to.deep.equal([
      0.5, 1e-4, -3, 0.25, 16,
    ]);
  });

  for (const [text, range, message] of [
    ["1.5", countRange("batches"), "--n 1.5: give a whole number of batches, 1 or more"],
    ["-5", countOrNone("iterations"), "--n -5: give a whole number of iterations, 0 or more"],
    ["abc", {}, "--n abc: give a number"],
    ["", {}, "--n has no value: give a number"],
    ["Infinity", { min: 0 }, "--n Infinity: give a number, 0 or more"],
    ["1e12", countRange("rows"), "--n 1e12: give a whole number of rows from 1 to 2147483647"],
    ["1e39", { min: 0 }, "--n 1e39: give a number of a size below 3.4e38"],
    ["9007199254740993", SEED, "--n 9007199254740993: give a whole number from 0 to 9007199254740991"],
  ] as const) {
    it(`refuse "${text}" as ${describeRange(range)}`, () => {
      expect(() => parseNumber("--n", text, range)).to.throw(message);
    });
  }

  it("with a comma are shown with a point", () => {
    expect(() => parseNumber("--base-lr", "0,01", {}))
      .to.throw("--base-lr 0,01: give a number")
      .with.property("notes")
      .that.deep.equals(["decimals follow a point: 0.01"]);
  });

  it("that programs give are checked alike", () => {
    expect(() => checkNumber("workers", 0, countRange("replicas"))).to.throw(
      "workers is 0; it must be a whole number of replicas, 1 or more",
    );
    expect(() => checkNumber("workers", "2", countRange("replicas"))).to.throw('workers is "2"; it must be');
    checkNumber("workers", 2, countRange("replicas"));
  });
});
