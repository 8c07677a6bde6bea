import { convert } from "netrun/browser";
import { pixelsOf, planesOf } from "./image.js";
import { type Preprocessing, preprocessingOf } from "./metadata.js";
import { type Model, openModel, type Values } from "./model.js";

/** Server's description of the files that it was given. */
interface Config {
  readonly name: string;
  readonly labels: readonly string[];
}

/** Classes shown, and runs that are timed for an image. */
const TOP = 5;
const TIMED = 5;

const element = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;
const drop = element("drop");
const file = element<HTMLInputElement>("file");

function say(text: string, isError = false): void {
  element("status").textContent = text;
  element("status").classList.toggle("error", isError);
}

/** Runs work and shows what went wrong, if something did. */
async function trying(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    element("result").hidden = true;
    say((error as Error).message, true);
  }
}

/** A model that images are shown to, and what the page says of it. */
interface Shown {
  readonly model: Model;
  readonly preprocessing: Preprocessing;
  readonly text: string;
}

async function shown(bytes: Uint8Array): Promise<Shown> {
  const preprocessing = preprocessingOf(bytes);
  const model = await openModel(bytes);
  if (model.inputs.size !== 1)
    throw new Error(`the model has the inputs ${[...model.inputs.keys()].join(", ")}, not an image alone`);
  const { width, height, channels } = preprocessing;
  const text = `${(bytes.length / 2 ** 20).toFixed(1)} MB · ${width} × ${height} ${channels ?? ""}`;
  say(text);
  return { model, preprocessing, text };
}

async function load(): Promise<void> {
  const { name, labels } = (await (await fetch("/config.json")).json()) as Config;
  element("model").textContent = name;
  let current = await shown(new Uint8Array(await (await fetch("/model.onnx")).arrayBuffer()));
  file.disabled = false;
  const take = (files: readonly File[]) =>
    trying(async () => {
      const prototxt = files.find((each) => /\.(prototxt|pbtxt)$/.test(each.name));
      if (prototxt) {
        current = await converted(prototxt, files);
        return;
      }
      const [image] = files;
      if (!image) throw new Error("that is not a file");
      await classify(image, current.model, current.preprocessing, labels);
      say(current.text);
    });
  file.addEventListener("change", () => void take([...(file.files ?? [])]));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    void take([...(event.dataTransfer?.files ?? [])]);
  });
}

/** Converts a prototxt with the weights beside it; the file never leaves the page. */
async function converted(prototxt: File, files: readonly File[]): Promise<Shown> {
  say("Converting …");
  const weights = files.filter(({ name }) => name.endsWith(".caffemodel"));
  if (weights.length === 0) throw new Error(`${prototxt.name} needs its .caffemodel: choose or drop both`);
  const bytes = await Promise.all(weights.map(async (each) => new Uint8Array(await each.arrayBuffer())));
  const { model, report } = await convert(await prototxt.text(), bytes);
  const wrong = report.verification?.find(({ within }) => !within);
  if (wrong) throw new Error(`the converted model differs from the net in ${wrong.output}`);
  element("model").textContent = report.name || prototxt.name;
  element("result").hidden = true;
  return shown(model);
}

async function classify(
  image: Blob,
  model: Model,
  preprocessing: Preprocessing,
  labels: readonly string[],
): Promise<void> {
  const pixels = await pixelsOf(image, preprocessing).catch(() => {
    throw new Error("the browser cannot read that file as an image");
  });
  preview(pixels);
  const planes = planesOf(pixels, preprocessing);
  const [, shape] = [...model.inputs][0]!;
  // Where the batch size is fixed, the image is its first item.
  const batch = typeof shape[0] === "number" ? shape[0] : 1;
  const data = new Float32Array(batch * planes.length);
  data.set(planes);
  const dims = [batch, planes.length / pixels.width / pixels.height, pixels.height, pixels.width];
  const { outputs, milliseconds } = await model.run({ [preprocessing.input]: { shape: dims, data } }, TIMED);
  showTop(scoresOf(outputs[model.outputs.at(-1)!]!), labels);
  const note = preprocessing.mean_image && !preprocessing.in_graph ? " · the mean image by its channels' means" : "";
  element("time").textContent = `${milliseconds.toFixed(1)} ms per inference, median of ${TIMED}${note}`;
  element("result").hidden = false;
}

/** The first item's scores, if the last output [n, classes, 1...] is that. */
function scoresOf({ shape, data }: Values): readonly number[] {
  const [, classes = 0, ...rest] = shape;
  if (classes === 0 || rest.some((dim) => dim !== 1))
    throw new Error(`the last output is [${shape}], not a score for each class`);
  return [...data.subarray(0, classes)];
}

function preview(pixels: ImageData): void {
  const canvas = element<HTMLCanvasElement>("preview");
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
  canvas.hidden = false;
  element("hint").textContent = "Drop another image, or click to choose one";
}

function showTop(scores: readonly number[], labels: readonly string[]): void {
  const isPart = scores.every((score) => score >= 0 && score <= 1);
  const best = scores.map((score, i) => ({ score, name: labels[i] ?? `class ${i}` }));
  best.sort((a, b) => b.score - a.score);
  const rows = best.slice(0, TOP).map(({ score, name }) => {
    const row = document.createElement("tr");
    row.insertCell().textContent = name;
    row.insertCell().textContent = isPart ? `${(100 * score).toFixed(2)} %` : score.toPrecision(5);
    if (isPart) row.style.setProperty("--part", `${100 * score}%`);
    return row;
  });
  element("top").replaceChildren(...rows);
}

void trying(load);
