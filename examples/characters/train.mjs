// Characters by a recurrent net, LSTM or RNN: it reads a text again and again, tells the next character, and then writes some by itself.
// node examples/characters/train.mjs [LSTM|RNN] [TEXT FILE] [ITERATIONS]
import { readFileSync } from "node:fs";
import { Net, Solver } from "netrun";

const [type = "LSTM", file = new URL("../../LICENSE", import.meta.url), iterations = "300"] = process.argv.slice(2);
const text = readFileSync(file, "utf8").replace(/\s+/g, " ");
const alphabet = [...new Set(text)];
const codes = Float32Array.from(text, (letter) => alphabet.indexOf(letter));
const [steps, streams] = [25, 16];

/** The net for some steps of some streams of characters. */
const netOf = (steps, streams) => `
  layer { name: "in" type: "Input" top: "data" top: "cont" top: "label"
    input_param { shape { dim: ${steps} dim: ${streams} } shape { dim: ${steps} dim: ${streams} } shape { dim: ${steps} dim: ${streams} } } }
  layer { name: "embed" type: "Embed" bottom: "data" top: "embed"
    embed_param { input_dim: ${alphabet.length} num_output: 32 weight_filler { type: "uniform" min: -0.1 max: 0.1 } } }
  layer { name: "recurrent" type: "${type}" bottom: "embed" bottom: "cont" top: "recurrent"
    recurrent_param { num_output: 128 weight_filler { type: "uniform" min: -0.08 max: 0.08 } bias_filler { type: "constant" } } }
  layer { name: "score" type: "InnerProduct" bottom: "recurrent" top: "score"
    inner_product_param { axis: 2 num_output: ${alphabet.length} weight_filler { type: "xavier" } } }
  layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" softmax_param { axis: 2 } include { phase: TEST } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" softmax_param { axis: 2 } }`;

/** Characters of all streams from a place on: stream s reads the text from s / streams of it on. */
function batch(at) {
  const read = (offset) =>
    Float32Array.from({ length: steps * streams }, (_, i) => {
      const stream = Math.floor(((i % streams) * codes.length) / streams);
      return codes[(stream + at + Math.floor(i / streams) + offset) % codes.length];
    });
  const shape = [steps, streams];
  const cont = new Float32Array(steps * streams).fill(1);
  return { data: { shape, data: read(0) }, cont: { shape, data: cont }, label: { shape, data: read(1) } };
}

const solver =
  await Solver.load(`net_param { ${netOf(steps, streams)} } type: "Adam" base_lr: 0.005 lr_policy: "fixed" momentum: 0.9
  clip_gradients: 5 max_iter: ${iterations} random_seed: 1`);
let loss = 0;
for (let i = 0; i < Number(iterations); i++) {
  [loss] = await solver.step(1, batch(i * steps));
  if (i % 50 === 0) console.log(`iteration ${i}: ${(loss / Math.log(2)).toFixed(3)} bits a character`);
}
console.log(`${type}: ${(loss / Math.log(2)).toFixed(3)} bits a character`);

// The same parameters, one character at a time: its state goes on from one forward to the next.
const writer = await Net.load(netOf(1, 1));
for (const [layer, blobs] of solver.net.params) {
  blobs.forEach((blob, i) => {
    writer.params.get(layer)[i].data.set(blob.data);
  });
}
const one = (value) => ({ shape: [1, 1], data: Float32Array.of(value) });
let written = text.slice(0, 20);
for (let i = 0; written.length < 300; i++) {
  const { prob } = await writer.forward({
    data: one(alphabet.indexOf(written[i])),
    cont: one(Number(i > 0)),
    label: one(0),
  });
  if (i === written.length - 1) written += alphabet[prob.data.indexOf(Math.max(...prob.data))];
}
console.log(written);
const words = written.split(" ").slice(3, -1);
const known = words.filter((word) => text.split(" ").includes(word));
console.log(`${known.length} of ${words.length} words are in the text`);
await writer[Symbol.asyncDispose]();
await solver[Symbol.asyncDispose]();
