import { expect } from "chai";
import { coloured } from "../../lib/cli/colours.js";

describe("colours of lines", () => {
  const given = process.env["NO_COLOR"];
  beforeEach(() => delete process.env["NO_COLOR"]);
  afterEach(() => {
    if (given === undefined) delete process.env["NO_COLOR"];
    else process.env["NO_COLOR"] = given;
  });

  it("are of an error's first line, on a terminal", () => {
    const text = coloured("a:1:2: wrong\n  1 | x", "error", { isTTY: true });
    expect(text).to.equal("\u001b[31ma:1:2: wrong\u001b[39m\n  1 | x");
  });

  it("are none elsewhere, and where NO_COLOR is set", () => {
    expect(coloured("wrong", "error", {})).to.equal("wrong");
    process.env["NO_COLOR"] = "1";
    expect(coloured("wrong", "error", { isTTY: true })).to.equal("wrong");
  });
});
