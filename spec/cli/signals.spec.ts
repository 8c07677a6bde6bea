import { expect } from "chai";
import { Signals } from "../../lib/cli/signals.js";

describe("signals while a training runs", () => {
  const { exit } = process;
  let listeners: NodeJS.SignalsListener[];
  beforeEach(() => {
    // The test runner's own listeners would end it.
    listeners = process.listeners("SIGINT");
    process.removeAllListeners("SIGINT");
    process.exit = (status) => {
      throw new Error(`left with ${status}`);
    };
  });
  afterEach(() => {
    process.exit = exit;
    for (const listener of listeners) process.on("SIGINT", listener);
  });

  it("asks once for what the effect says", () => {
    using signals = new Signals({ sigint: "stop", sighup: "snapshot" });
    expect(signals.action()).to.equal("none");
    process.emit("SIGHUP");
    expect([signals.action(), signals.action()]).to.deep.equal(["snapshot", "none"]);
    process.emit("SIGINT");
    expect(signals.action()).to.equal("stop");
  });

  it("leaves at once on a second SIGINT, also when the first is being served", () => {
    using signals = new Signals({ sigint: "stop", sighup: "snapshot" });
    process.emit("SIGINT");
    expect(signals.action()).to.equal("stop");
    expect(() => process.emit("SIGINT")).to.throw("left with 130");
  });

  it("ignores SIGINT if its effect is none", () => {
    using signals = new Signals({ sigint: "none", sighup: "none" });
    process.emit("SIGINT");
    process.emit("SIGINT");
    process.emit("SIGHUP");
    expect(signals.action()).to.equal("none");
  });
});
