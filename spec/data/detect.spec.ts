import { expect } from "chai";
import { detectSource } from "../../lib/data/source/detect.js";
import { NetrunError } from "../../lib/error.js";
import { goldenPath } from "../support/shared.js";

describe("detecting a source", () => {
  it("knows the embedded digits by name, and names that are nearly theirs", () => {
    expect(detectSource("netrun:digits/test")).to.deep.equal({ kind: "digits", part: "test" });
    expect(() => detectSource("netrun:digits/tset"))
      .to.throw(NetrunError)
      .with.property("notes")
      .that.deep.equals(["did you mean netrun:digits/test?"]);
  });

  it("says that a path is missing, with the nearest name beside it", () => {
    expect(() => detectSource("/nowhere/at/all")).to.throw("no such file or folder");
  });

  it("says what the system has against reading a file", () => {
    // Permissions would do as well, but not for root.
    expect(() => detectSource("x".repeat(300)))
      .to.throw(NetrunError)
      .with.property("message")
      .that.matches(/^cannot be read: ENAMETOOLONG/);
  });
});

describe("detecting a source in the reference data", () => {
  it("knows LMDB by folder and by file", () => {
    const path = goldenPath("data", "raw_lmdb");
    expect(detectSource(path)).to.deep.equal({ kind: "lmdb", path });
    expect(detectSource(`${path}/data.mdb`)).to.deep.equal({ kind: "lmdb", path: `${path}/data.mdb` });
  });
});
