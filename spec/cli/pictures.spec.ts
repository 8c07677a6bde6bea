import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import sharp from "sharp";
import { decodeImage } from "../../lib/data/image/image.js";
import { pngOfSvg } from "../../lib/inspect/png.js";
import { drawNet, plot } from "../../lib/index.js";
import { drawPanels, type Panel } from "../../lib/runs/plot/panels.js";
import { CSV_HEADER } from "../../lib/train/event-log.js";
import { cli } from "../support/cli.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";

const panel = (lines: readonly (readonly [label: string, values: readonly number[]])[], isLog = false): Panel => ({
  title: "score",
  unit: "share",
  isLog,
  lines: lines.map(([label, values], colour) => ({ label, colour, points: values.map((value, x) => [x, value]) })),
});
const X = { title: "iteration", isLog: false };

/** Texts of a picture. */
const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
/** The points of curves: paths of a colour without filling. */
const curvesOf = (svg: string, colour: string) =>
  [...svg.matchAll(/<path d="([^"]*)"[^>]*fill="none"[^>]*stroke="(#[0-9a-f]{6})"/g)]
    .filter(([, , stroke]) => stroke === colour)
    .map(([, d]) => [...d!.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const));

describe("pictures of trainings", () => {
  const folder = freshFolder();

  it("have a scale for constants and tiny values", async () => {
    for (const value of [0.5, 0, 1e-9, 1e-300, 12_345]) {
      const svg = await drawPanels([panel([["a", [value, value, value]]])], X);
      const [curve] = curvesOf(svg, "#0072b2");
      expect(curve, String(value)).to.have.length.at.least(2);
      expect(new Set(curve!.map(([, y]) => y)).size, String(value)).to.equal(1);
      const [, y] = curve![0]!;
      expect(y, String(value)).to.be.within(44, 218);
      expect(svg).not.to.contain("NaN");
    }
    const tiny = textsOf(await drawPanels([panel([["a", [1e-12, 5e-12]]])], X));
    expect(tiny).to.include.members(["1e-12", "5e-12"]);
  });

  it("have log axes, on which what is not above 0 has no place", async () => {
    const svg = await drawPanels([panel([["a", [100, 1, 0, -1, 0.01]]], true)], X);
    expect(textsOf(svg)).to.include.members(["0.01", "1", "100"]);
    const [curve] = curvesOf(svg, "#0072b2");
    const ys = curve!.map(([, y]) => y);
    expect(Math.max(...ys) - Math.min(...ys)).to.be.closeTo(174, 1);
  });

  it("have titles, units and a legend beside the curves, whatever its length", async () => {
    const long = "a_name_that_is_so_long_that_it_would_go_over_the_edge_of_the_picture";
    const svg = await drawPanels(
      [
        panel([
          ["a", [1, 2]],
          [long, [2, 3]],
        ]),
      ],
      X,
    );
    expect(textsOf(svg)).to.include.members(["score", "share", "iteration"]);
    expect(svg).to.contain('<title id="plot-title">score</title>').and.not.to.contain("<style");
    const right = Math.max(
      ...curvesOf(svg, "#0072b2")
        .flat()
        .map(([x]) => x),
    );
    const legend = [...svg.matchAll(/translate\(([\d.]+) [\d.]+\)[^>]*>(a|a_name[^<]*)</g)].map(([, x]) => Number(x));
    expect(legend).to.have.length.at.least(1);
    for (const x of legend) expect(x).to.be.within(730, 960);
    expect(right).to.be.below(735);
  });

  it("have all of a legend in the picture, and other dashes where colours come round again", async () => {
    const logs = Array.from({ length: 24 }, (_, i) => {
      const path = join(folder(), `a_run_whose_name_is_longer_than_a_line_of_the_legend_number_${i}.csv`);
      writeFileSync(path, `${CSV_HEADER}1,1,train,0,smoothed_loss,${i}\n2,2,train,0,smoothed_loss,${i + 1}\n`);
      return path;
    });
    const { picture } = await plot(logs);
    const height = Number(/height="(\d+)"/.exec(picture)![1]);
    const places = [...picture.matchAll(/translate\([\d.]+ ([\d.]+)\)"[^>]*>[^<]*number_(\d+)\.csv</g)];
    expect(places.map(([, , run]) => Number(run)).sort((a, b) => a - b)).to.deep.equal(logs.map((_, i) => i));
    const ys = places.map(([, y]) => Number(y)).sort((a, b) => a - b);
    expect(ys.at(-1)).to.be.below(height);
    for (const [i, y] of ys.slice(1).entries()) expect(y - ys[i]!).to.be.above(20);
    const looks = [...picture.matchAll(/<path d="M[^"]*L[^"]*"[^>]*fill="none"[^>]*stroke="(#[0-9a-f]{6})"[^>]*>/g)]
      .map(([path, colour]) => `${colour} ${/stroke-dasharray="([^"]*)"/.exec(path)?.[1] ?? "solid"}`)
      .filter((look) => !/#(?:444|ddd|eee)/.test(look));
    expect(new Set(looks).size).to.be.at.least(24);
  });

  it("say where there is nothing to see on a log axis", async () => {
    const svg = await drawPanels([panel([["a", [0, -1]]], true)], X);
    expect(textsOf(svg)).to.include("score (nothing above 0 for a log axis)");
    expect(textsOf(await drawPanels([panel([["a", [Number.NaN]]])], X))).to.include("score (no finite values)");
  });

  it("give a score the same colour whatever else is drawn, and a run the same in all panels", async () => {
    const log = (names: readonly string[]) =>
      CSV_HEADER +
      names.flatMap((name) => [0, 1].map((i) => `${i},${i},test,0,${name},${i}\n`)).join("") +
      [0, 1].map((i) => `${i},${i},train,0,smoothed_loss,${i}\n`).join("");
    const file = (name: string) => join(folder(), name);
    writeFileSync(file("few.csv"), log(["loss"]));
    writeFileSync(file("many.csv"), log(["accuracy", "another", "loss"]));
    const svgOf = async (...logs: readonly string[]) => {
      const { status, stderr } = await cli("plot", ...logs.map(file), "-o", file("x.svg"));
      expect([status, stderr]).to.deep.equal([0, ""]);
      return readFileSync(file("x.svg"), "utf8");
    };
    // The training's loss is blue, a test's orange.
    for (const logs of [["few.csv"], ["many.csv"]]) {
      const svg = await svgOf(...logs);
      expect(curvesOf(svg, "#0072b2"), logs[0]).to.have.length.at.least(1);
      expect(curvesOf(svg, "#d55e00"), logs[0]).to.have.length.at.least(1);
    }
    const both = await svgOf("few.csv", "many.csv");
    const colours = new Set(
      [...both.matchAll(/stroke="(#[0-9a-f]{6})" stroke-width="1.5"/g)].map(([, colour]) => colour),
    );
    expect([...colours].sort()).to.deep.equal(["#0072b2", "#d55e00"]);
  });

  it("are PNG too, and nothing else", async () => {
    const log = join(folder(), "a.csv");
    writeFileSync(log, `${CSV_HEADER}0,0,train,0,smoothed_loss,2\n1,1,train,0,smoothed_loss,1\n`);
    const { status, stderr: said } = await cli("plot", log, "-o", join(folder(), "a.png"), "--log-y");
    expect([status, said]).to.deep.equal([0, ""]);
    const { format, width, height } = await sharp(join(folder(), "a.png")).metadata();
    expect([format, width, height]).to.deep.equal(["png", 1920, 540]);
    const { stderr } = await cli("plot", log, "-o", join(folder(), "a.gif"));
    expect(stderr).to.contain("the name must end in .svg or .png");
  });

  it("have twice their size as PNG, or what there is room for", async () => {
    const sizeOf = async (width: number, height: number) => {
      const svg = `<svg width="${width}pt" height="${height}pt" viewBox="0 0 10 10" xmlns="http://www.w3.org/2000/svg"></svg>`;
      const found = await sharp(await pngOfSvg(svg), { limitInputPixels: false }).metadata();
      return [found.width, found.height];
    };
    expect(await sizeOf(75, 150)).to.deep.equal([200, 400]);
    const [width, height] = await sizeOf(60, 30_000);
    expect(height).to.be.within(31_000, 32_700);
    expect(width! / height!).to.be.closeTo(60 / 30_000, 1e-4);
  });

  it("are functions of a program too, which decodes images beside", async () => {
    const log = join(folder(), "a.csv");
    writeFileSync(log, `${CSV_HEADER}0,0,train,0,smoothed_loss,2\n1,1,train,0,smoothed_loss,1\n`);
    // SVG is refused from the first image on: it may come from anywhere.
    const bytes = await sharp({ create: { width: 40, height: 400, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    await decodeImage(bytes, "color");
    const svg = await plot([log], { logY: true });
    expect(svg.panels).to.deep.equal(["loss"]);
    expect(svg.picture).to.match(/^<svg /);
    const { picture } = await plot([log], { format: "png" });
    expect((await sharp(picture).metadata()).format).to.equal("png");
    const net = join(root, "models/lenet/train_test.prototxt");
    expect(await drawNet(net)).to.match(/^<\?xml.*kernel 5x5/s);
    expect(await drawNet(net, { format: "dot", phase: "TEST" })).to.match(/^digraph/);
    expect((await sharp(await drawNet(net, { format: "png" })).metadata()).format).to.equal("png");
  });
});
