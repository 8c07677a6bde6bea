import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { serve } from "../../examples/browser/serve.js";
import { Net, type Tensors } from "../../lib/api/net.js";
import type { StoredWeights } from "../../lib/caffe/stored.js";
import { type ConvertOptions, convert } from "../../lib/convert/index.js";
import { randomInputs } from "../../lib/convert/verify.js";
import { drawDigit } from "../../lib/data/source/digits/draw.js";
import { openModelFile } from "../../lib/onnx/file.js";
import { Solver } from "../../lib/train/solver.js";
import { chromiumPath, launchChromium } from "../support/chromium.js";
import { hashed } from "../support/hashed.js";
import { inputLayer } from "../support/net.js";
import { hasShared, root, sharedPath } from "../support/shared.js";
import { SSD_NET } from "../support/ssd.js";

const path = chromiumPath();
const suite = path === undefined ? describe.skip : describe;
const reason = path === undefined ? " (skipped: needs Chromium at /usr/bin/chromium, or CHROMIUM naming one)" : "";

/** LeNet, trained for a moment. */
async function lenetWeights(): Promise<StoredWeights> {
  await using solver = await Solver.load(join(root, "models/lenet/solver.prototxt"), {
    settings: { snapshot: 0, snapshot_after_train: false },
  });
  await solver.step(100);
  return solver.net.stored();
}

/** Layers from a blob to seven classes. */
const classifier = (bottom: string) => `
  layer { name: "ip" type: "InnerProduct" bottom: "${bottom}" top: "ip" inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
  layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`;

const redSquare = () =>
  sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
    .png()
    .toBuffer();

const LABELS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

suite(`examples/browser, in Chromium${reason}`, () => {
  let folder: string;
  let browser: Browser;
  let lenet: Uint8Array;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "netrun-browser-"));
    execFileSync(process.execPath, [join(root, "browser/bundle.mjs")]);
    browser = await launchChromium(path!);
    const { model } = await convert(join(root, "models/lenet/deploy.prototxt"), await lenetWeights(), {
      scale: 1 / 256,
    });
    lenet = model;
    writeFileSync(join(folder, "labels.txt"), `${LABELS.join("\n")}\n`);
  });
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  /** The page on a model, once that is loaded. */
  async function opened(model: Uint8Array, labels: boolean, use: (page: Page) => Promise<void>): Promise<void> {
    writeFileSync(join(folder, "net.onnx"), model);
    await using server = await serve(join(folder, "net.onnx"), labels ? join(folder, "labels.txt") : undefined);
    const page = await browser.newPage();
    try {
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      await page.goto(server.url);
      await page.locator("#status", { hasNotText: "Loading" }).waitFor();
      await use(page);
      expect(errors).to.deep.equal([]);
    } finally {
      await page.close();
    }
  }

  const drop = (page: Page, bytes: Buffer, type = "image/png") =>
    page.evaluate(
      `(async () => {
        const dataTransfer = new DataTransfer();
        const body = await (await fetch("data:${type};base64,${bytes.toString("base64")}")).blob();
        dataTransfer.items.add(new File([body], "image", { type: "${type}" }));
        document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true, bubbles: true }));
      })()`,
    );
  const rowsOf = async (page: Page) => {
    await page.locator("#result").waitFor();
    return Promise.all((await page.locator("#top tr").all()).map(async (row) => row.locator("td").allInnerTexts()));
  };

  /** The rows that the page is to show, from onnxruntime-node. */
  async function expected(model: Uint8Array, inputs: Tensors, labels: readonly string[]) {
    await using file = await openModelFile(model);
    const outputs = await file.run(inputs);
    return [...outputs["prob"]!.data]
      .map((score, i) => ({ score, label: labels[i] ?? `class ${i}` }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 5);
  }

  it("names a digit that is dropped on it, with onnxruntime-node's five best and the time", async () => {
    const { pixels, label } = drawDigit(1, 8003);
    const png = await sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } })
      .png()
      .toBuffer();
    const data = Float32Array.from(pixels, (value) => value / 256);
    const best = await expected(lenet, { data: { shape: [1, 1, 28, 28], data } }, LABELS);
    await opened(lenet, true, async (page) => {
      await drop(page, png);
      const rows = await rowsOf(page);
      expect(rows.map(([name]) => name)).to.deep.equal(best.map(({ label: name }) => name));
      expect(rows[0]![0]).to.equal(LABELS[label]);
      // The page shows hundredths of a percent.
      rows.forEach(([, text], i) => {
        expect(Number.parseFloat(text!)).to.be.closeTo(100 * best[i]!.score, 0.011);
      });
      expect(await page.locator("#time").innerText()).to.match(/^\d+\.\d ms per inference, median of 5$/);
    });
  });

  it("stretches a chosen photograph, and feeds blue first, less the mean, scaled", async () => {
    const size = 12;
    const net = `input: "data" input_shape { dim: 1 dim: 3 dim: ${size} dim: ${size} }
      ${classifier("data")}`;
    const [mean, scale] = [[104, 117, 123], 0.017];
    const rgb = Uint8Array.from(hashed("photograph", size * size * 3, (u) => 256 * u));
    const data = Float32Array.from({ length: rgb.length }, (_, i) => {
      const [c, at] = [Math.floor(i / size ** 2), i % size ** 2];
      return (rgb[3 * at + 2 - c]! - mean[c]!) * scale;
    });
    // Twice the size by repeating: shrinking it gives the same values again.
    const png = await sharp(rgb, { raw: { width: size, height: size, channels: 3 } })
      .resize(2 * size, 2 * size, { kernel: "nearest" })
      .png()
      .toBuffer();
    for (const preprocess of [false, true]) {
      const { model } = await convert(net, [], { allowMissing: true, mean, scale, preprocess });
      const plain = await convert(net, [], { allowMissing: true });
      const best = await expected(plain.model, { data: { shape: [1, 3, size, size], data } }, []);
      await opened(model, false, async (page) => {
        await page.setInputFiles("#file", { name: "photograph.png", mimeType: "image/png", buffer: png });
        const rows = await rowsOf(page);
        expect(rows.map(([name]) => name)).to.deep.equal(best.map(({ label: name }) => name));
      });
    }
  });

  /** A net with its weights as files, for the page. */
  async function filesOf(text: string, name: string) {
    await using net = await Net.load(text);
    await net.save(join(folder, `${name}.caffemodel`));
    return [
      { name: `${name}.prototxt`, mimeType: "text/plain", buffer: Buffer.from(text) },
      { name: `${name}.caffemodel`, mimeType: "", buffer: readFileSync(join(folder, `${name}.caffemodel`)) },
    ] as const;
  }

  it("converts a prototxt with its caffemodel, and takes the result as the model", async () => {
    const net = `name: "colours" ${inputLayer("data", 1, 3, 6, 6)} ${classifier("data")}`;
    const files = await filesOf(net, "colours");
    await opened(lenet, false, async (page) => {
      await page.setInputFiles("#file", files[0]);
      await page.locator("#status.error").waitFor();
      expect(await page.locator("#status").innerText()).to.equal(
        "colours.prototxt needs its .caffemodel: choose or drop both",
      );
      await page.setInputFiles("#file", [...files]);
      await page.locator("#model", { hasText: "colours" }).waitFor();
      await page.locator("#status", { hasText: "6 × 6 BGR" }).waitFor();
      await drop(page, await redSquare());
      const { model } = await convert(net, join(folder, "colours.caffemodel"));
      const data = new Float32Array(108).fill(255, 72);
      const best = await expected(model, { data: { shape: [1, 3, 6, 6], data } }, []);
      expect((await rowsOf(page)).map(([name]) => name)).to.deep.equal(best.map(({ label }) => label));
    });
  });

  const NORMALISED = `name: "normalised" ${inputLayer("data", 2, 3, 8, 8)}
    layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "bn" type: "BatchNorm" bottom: "c" top: "bn" }
    layer { name: "s" type: "Scale" bottom: "bn" top: "s" scale_param { bias_term: true } }
    layer { name: "p" type: "Pooling" bottom: "s" top: "p" pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
    ${classifier("p")}`;

  for (const options of [{}, { opset: 21, batch: 3 }, { fp16: true, fold: false }] as const) {
    it(`converts to the bytes that Node does, and finds them right: ${JSON.stringify(options)}`, async () => {
      const [, weights] = await filesOf(NORMALISED, "normalised");
      const { model } = await convert(NORMALISED, join(folder, "normalised.caffemodel"), options);
      await opened(lenet, false, async (page) => {
        const [bytes, verified] = (await page.evaluate(
          `(async () => {
            const { convert } = await import("netrun/browser");
            const weights = Uint8Array.from(${JSON.stringify([...weights.buffer])});
            const { model, report } = await convert(${JSON.stringify(NORMALISED)}, weights, ${JSON.stringify(options)});
            return [[...model], report.verification.map(({ output, within }) => [output, within])];
          })()`,
        )) as [number[], unknown];
        expect(verified).to.deep.equal([["prob", true]]);
        expect(Buffer.from(bytes).equals(model)).to.equal(true);
      });
    });
  }

  it("has errors of netrun's own, located, for what does not convert", async () => {
    await opened(lenet, false, async (page) => {
      const message = (call: string) =>
        page.evaluate(
          `import("netrun/browser").then(({ convert, openModel }) => ${call}).catch((error) => error.format?.() ?? error.stack)`,
        );
      expect(await message('convert("net.prototxt", [])')).to.equal(
        '"net.prototxt" is no prototxt\'s text\nnote: fetch the file and give what is in it',
      );
      expect(
        await message('convert("layer { name: \\"x\\" type: \\"Nonsense\\" top: \\"x\\" bottom: \\"y\\" }", [])'),
      ).to.match(/^<text>:1:\d+: /);
      expect(await message("convert('input: \"d\" input_dim: 1', new Uint8Array([1, 2, 3]))")).to.include("weights 0");
      expect(await message("openModel(new Uint8Array(9))")).to.include("onnxruntime does not load the model");
    });
  });

  it("reports a file that is not an image, and continues", async () => {
    await opened(lenet, true, async (page) => {
      await drop(page, Buffer.from("no image"), "text/plain");
      await page.locator("#status.error").waitFor();
      expect(await page.locator("#status").innerText()).to.equal("the browser cannot read that file as an image");
      await drop(page, await redSquare());
      expect(await rowsOf(page)).to.have.length(5);
    });
  });

  for (const [what, net, message] of [
    ["whose last output is not scores", SSD_NET, /^the last output is \[1,1,\d+,7\], not a score for each class$/],
    [
      "of more than an image",
      `${inputLayer("data", 1, 3, 4, 4)} ${inputLayer("im_info", 1, 3)} ${classifier("data")}
       layer { name: "both" type: "Concat" bottom: "prob" bottom: "im_info" top: "both" }`,
      /^the model has the inputs .*im_info.*, not an image alone$/,
    ],
  ] as const) {
    it(`says so of a model ${what}`, async () => {
      const { model } = await convert(net, [], { allowMissing: true });
      await opened(model, false, async (page) => {
        const isOpen = (await page.locator("#status.error").count()) === 0;
        if (isOpen) await drop(page, await redSquare());
        await page.locator("#status.error").waitFor();
        expect(await page.locator("#status").innerText()).to.match(message);
      });
    });
  }

  /** Results of the page's own module for given inputs. */
  const inBrowser = async (page: Page, inputs: Tensors): Promise<Tensors> => {
    const plain = JSON.stringify(
      Object.fromEntries(Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: [...data] }])),
    );
    const outputs = (await page.evaluate(
      `(async () => {
        const { openModel } = await import("/model.js");
        const model = await openModel(new Uint8Array(await (await fetch("/model.onnx")).arrayBuffer()));
        const inputs = Object.entries(${plain}).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]);
        const { outputs } = await model.run(Object.fromEntries(inputs));
        return Object.entries(outputs).map(([name, { shape, data }]) => [name, shape, [...data]]);
      })()`,
    )) as readonly (readonly [string, readonly number[], readonly number[]])[];
    return Object.fromEntries(outputs.map(([name, shape, data]) => [name, { shape, data: Float32Array.from(data) }]));
  };

  const zoo = (...parts: string[]) => sharedPath("zoo", ...parts);
  const published = (net: string, weights: string) => () => convert(zoo(net), zoo("models", `${weights}.caffemodel`));
  const fresh =
    (net: string, options: ConvertOptions = {}) =>
    () =>
      convert(net, [], { ...options, allowMissing: true });
  const cases = [
    ["LeNet", async () => ({ model: lenet }), { data: [3, 1, 28, 28] }],
    ["a detector with NonMaxSuppression", fresh(SSD_NET), { data: [1, 3, 32, 32] }],
    ["a detector in half precision", fresh(SSD_NET, { fp16: true }), { data: [1, 3, 32, 32] }],
    ...(hasShared()
      ? ([
          [
            "CIFAR-10 quick",
            published("prototxt/bvlc/examples+cifar10+cifar10_quick.prototxt", "cifar10_quick_iter_5000"),
            { data: [2, 3, 32, 32] },
          ],
          ["MTCNN det1", published("models/mtcnn_det1.prototxt", "mtcnn_det1"), { data: [2, 3, 12, 12] }],
          ["MTCNN det2", published("models/mtcnn_det2.prototxt", "mtcnn_det2"), { data: [2, 3, 24, 24] }],
        ] as const)
      : []),
  ] as const;
  for (const [name, make, shapes] of cases) {
    it(`${name} computes there what it does in onnxruntime-node`, async () => {
      const { model } = await make();
      const inputs = randomInputs(new Map(Object.entries(shapes)), 3);
      await using file = await openModelFile(model);
      const outputs = await file.run(inputs);
      await opened(model, false, async (page) => {
        const actual = await inBrowser(page, inputs);
        expect(Object.keys(actual)).to.deep.equal(Object.keys(outputs));
        for (const [blob, { shape, data }] of Object.entries(outputs)) {
          expect(actual[blob]!.shape).to.deep.equal(shape);
          // Other instructions sum in another order; half precision has them in every sum.
          const tolerance = name.includes("half") ? 2e-3 : 1e-5;
          data.forEach((value, i) => {
            expect(actual[blob]!.data[i], `${blob}[${i}]`).to.be.closeTo(
              value,
              tolerance * Math.max(1, Math.abs(value)),
            );
          });
        }
      });
    });
  }
});
