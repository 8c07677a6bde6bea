import { readFileSync } from "node:fs";
import { expect } from "chai";

const here = (path: string) => new URL(`../../../${path}`, import.meta.url);
const textOf = (path: string) => readFileSync(here(path), "utf8");

interface Generator {
  generate(proto: string): string;
  descriptor(proto: string): string;
}

const generator = async () => (await import(here("proto/generate.mjs").href)) as Generator;

describe("lib/caffe/messages.ts", () => {
  it("is what `npm run generate` makes of proto/caffe.proto", async () => {
    const { generate } = await generator();
    expect(textOf("lib/caffe/messages.ts")).to.equal(generate(textOf("proto/caffe.proto")));
  });

  it("has descriptors beside it that are what `npm run generate` makes of the schemas", async () => {
    const { descriptor } = await generator();
    for (const name of ["caffe", "onnx"])
      expect(textOf(`proto/${name}.json`)).to.equal(descriptor(textOf(`proto/${name}.proto`)));
  });
});
