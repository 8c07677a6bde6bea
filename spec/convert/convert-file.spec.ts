import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { cli } from "../support/cli.js";
import { freshFolder } from "../support/folder.js";
import { safetensorsOf } from "../support/safetensors.js";

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 300 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2
    weight_filler { type: "constant" value: 1 } } }`;

describe("netrun convert, and the file that is there already", () => {
  const folder = freshFolder();
  const at = (name: string) => join(folder(), name);
  const run = (...flags: string[]) => {
    writeFileSync(at("net.prototxt"), NET);
    writeFileSync(at("old.onnx"), "old");
    return cli("convert", at("net.prototxt"), "--allow-missing", "-o", at("old.onnx"), ...flags);
  };
  const recorded = (value: number) => {
    const path = at("recorded.safetensors");
    const tensor = (shape: readonly number[], fill: number) => ({
      shape,
      data: new Float32Array(shape[1]!).fill(fill),
    });
    writeFileSync(path, safetensorsOf({ "in/data": tensor([1, 300], 1), "out/ip": tensor([1, 2], value) }));
    return path;
  };

  it("leaves it as it was, and nothing beside it, where data to verify on is not there", async () => {
    const { status, stderr } = await run("--verify", at("nowhere"), "--external-data");
    expect(status).to.equal(1);
    expect(stderr).to.contain("no such file or folder");
    expect(readFileSync(at("old.onnx"), "utf8")).to.equal("old");
    expect(readdirSync(folder()).sort()).to.deep.equal(["net.prototxt", "old.onnx"]);
  });

  it("leaves it as it was where the new one differs from what was recorded, and says where that one is", async () => {
    const { status, stderr } = await run("--compare", recorded(299));
    expect(status).to.equal(1);
    expect(stderr).to.contain(
      `it is in ${at("old.wrong.onnx")} for looking into it; ${at("old.onnx")} was not written`,
    );
    expect(readFileSync(at("old.onnx"), "utf8")).to.equal("old");
    expect(readdirSync(folder()).sort()).to.deep.equal([
      "net.prototxt",
      "old.onnx",
      "old.wrong.onnx",
      "recorded.safetensors",
    ]);
  });

  it("gives a wrong model's weights a name of their own too", async () => {
    expect((await run("--compare", recorded(299), "--external-data")).status).to.equal(1);
    expect(
      readdirSync(folder())
        .filter((name) => name.includes(".onnx"))
        .sort(),
    ).to.deep.equal(["old.onnx", "old.wrong.onnx", "old.wrong.onnx.data"]);
    expect(readFileSync(at("old.wrong.onnx")).includes("old.wrong.onnx.data")).to.equal(true);
  });

  it("is replaced by one that agrees", async () => {
    const { status } = await run("--compare", recorded(300), "--external-data");
    expect(status).to.equal(0);
    expect(
      readdirSync(folder())
        .filter((name) => name.includes(".onnx"))
        .sort(),
    ).to.deep.equal(["old.onnx", "old.onnx.data"]);
  });

  it("refuses flags that are given twice, but takes the last of --verify and --no-verify", async () => {
    expect((await run("--outputs", "ip", "--outputs", "data")).stderr).to.contain(
      "--outputs is given 2 times: ip, data",
    );
    const { stdout } = await run("--no-verify", "--verify", "2");
    expect(stdout).to.contain("verified ip");
    expect((await run("--scale", "x")).stderr).to.contain("--scale x: give a number");
  });

  it("warns of a shape that no input takes", async () => {
    const { status, stderr } = await run("--shape", "dta=1,300");
    expect(status).to.equal(0);
    expect(stderr)
      .to.contain('the net has no input "dta", whose shape is given')
      .and.to.contain('did you mean "data"?');
  });
});
