import { expect } from "chai";
import { loadNet } from "../../lib/caffe/load.js";
import { NetrunError } from "../../lib/error.js";
import { printText } from "../../lib/text/print.js";

/** Processor time in milliseconds; other work on the machine does not count. */
function cpuMs(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

const lines = (n: number, line: (i: number) => string) => Array.from({ length: n }, (_, i) => `\n${line(i)}`).join("");
const layer = (fields: string) => `\nlayer { name: "x" type: "Convolution" ${fields} }`;

/** Texts that took a time that grew with the square of their length, or overflowed a stack. */
const CASES: Readonly<Record<string, () => string>> = {
  "10,000 layers": () => lines(10_000, (i) => `layer { name: "r${i}" type: "ReLU" bottom: "b${i}" top: "b${i + 1}" }`),
  "10,000 V1 layers": () =>
    lines(10_000, (i) => `layers { name: "r${i}" type: RELU bottom: "b${i}" top: "b${i + 1}" }`),
  "10,000 different unknown fields": () => lines(10_000, (i) => `layer { name: "r${i}" zz${i}: 1 }`),
  "a million repeated values": () => layer(`blobs { ${"data: 1 ".repeat(1e6)} }`),
  "a million values in a list": () => layer(`blobs { shape { dim: [${"1,".repeat(1e6)}1] } }`),
  "a million unknown values": () => `\nzz: [${"1,".repeat(1e6)}1]`,
  "an integer of 20 million digits": () => layer(`convolution_param { num_output: ${"9".repeat(2e7)} }`),
  "an octal of 20 million digits": () => layer(`convolution_param { num_output: ${"0".repeat(2e7)}7 }`),
  "a float of 20 million digits": () => layer(`dropout_param { dropout_ratio: 0.${"3".repeat(2e7)} }`),
  "a million strings after one another": () => `\nname: ${'"a" '.repeat(1e6)}`,
  "two million escapes": () => `\nname: "${"\\n".repeat(2e6)}"`,
  "a string of 20 million characters without an end": () => `\nname: "${"x".repeat(2e7)}`,
  "a name of 20 million letters": () => `\n${"x".repeat(2e7)}: 3`,
  "a million comments": () => `\n${"# x\n".repeat(1e6)}`,
  "20 million blanks": () => `\n${" ".repeat(2e7)}`,
  "a million opened messages": () => `\n${"x { ".repeat(1e6)}`,
};

describe("long texts", function () {
  this.timeout(60_000);
  for (const [title, text] of Object.entries(CASES))
    it(`with ${title} are read or refused in a time that grows with their length`, () => {
      const whole = text();
      const ms = cpuMs(() => {
        try {
          printText(
            loadNet(whole, { onWarning: (warning) => expect(warning.format().length).to.be.lessThan(2000) }).message,
          );
        } catch (error) {
          if (!(error instanceof NetrunError)) throw error;
          expect(error.format().length).to.be.lessThan(2000);
        }
      });
      // Garbage is collected by several threads at once; on any machine, squares of these lengths take minutes.
      expect(ms).to.be.lessThan(8000);
    });

  it("with 10,000 layers load in less than a second", () => {
    const text = CASES["10,000 layers"]!();
    const least = Math.min(...[1, 2, 3].map(() => cpuMs(() => loadNet(text))));
    expect(least).to.be.lessThan(1000);
  });
});
