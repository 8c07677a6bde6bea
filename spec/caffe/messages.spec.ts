import { readFileSync } from "node:fs";
import { expect } from "chai";

describe("lib/caffe/messages.ts", () => {
  it("is what `npm run generate` makes of proto/caffe.proto", async () => {
    const here = (path: string) => new URL(`../../../${path}`, import.meta.url);
    const { generate } = (await import(here("proto/generate.mjs").href)) as { generate(proto: string): string };
    const expected = generate(readFileSync(here("proto/caffe.proto"), "utf8"));
    expect(readFileSync(here("lib/caffe/messages.ts"), "utf8")).to.equal(expected);
  });
});
