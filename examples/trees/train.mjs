// A recursive autoencoder over trees (unfolding: Socher and others, 2011): one encoder makes one vector of two, up a binary tree of any shape;
// one decoder takes the vector apart again, down to the leaves, whose symbols it is to tell. Each shape of a tree is a net of its own, and
// all of them share their parameters. node examples/trees/train.mjs [ITERATIONS]
import { Net } from "netrun";

const iterations = Number(process.argv[2] ?? 1500);
const [SYMBOLS, SIZE, ROWS] = [4, 48, 16];

let seed = 1;
const draw = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

/** A random shape with some leaves: a leaf is null, a node has two children. */
function shapeOf(leaves) {
  if (leaves === 1) return null;
  const left = 1 + Math.floor(draw() * (leaves - 1));
  return [shapeOf(left), shapeOf(leaves - left)];
}

/** The net of a shape: parameters are shared by name among the nodes. */
function netOf(shape) {
  const layers = [];
  const add = (name, type, bottoms, top, rest = "") =>
    layers.push(
      `layer { name: "${name}" type: "${type}" ${bottoms.map((each) => `bottom: "${each}"`).join(" ")} ${[top]
        .flat()
        .map((each) => `top: "${each}"`)
        .join(" ")} ${rest} }`,
    );
  const inner = (name, bottom, top, weights, outputs) =>
    add(
      name,
      "InnerProduct",
      [bottom],
      top,
      `param { name: "${weights}/w" } param { name: "${weights}/b" }
      inner_product_param { num_output: ${outputs} weight_filler { type: "xavier" } }`,
    );
  let [leaves, nodes] = [0, 0];
  const up = (tree) => {
    if (tree === null) {
      const leaf = `leaf${leaves++}`;
      add(leaf, "Input", [], leaf, `input_param { shape { dim: ${ROWS} } }`);
      add(
        `embed/${leaf}`,
        "Embed",
        [leaf],
        `vector/${leaf}`,
        `param { name: "symbols" }
        embed_param { input_dim: ${SYMBOLS} num_output: ${SIZE} bias_term: false weight_filler { type: "gaussian" std: 0.5 } }`,
      );
      return { leaf, vector: `vector/${leaf}` };
    }
    const [left, right] = tree.map(up);
    const name = `node${nodes++}`;
    add(`pair/${name}`, "Concat", [left.vector, right.vector], `pair/${name}`);
    inner(`encode/${name}`, `pair/${name}`, `encoded/${name}`, "encode", SIZE);
    add(name, "TanH", [`encoded/${name}`], name);
    return { name, vector: name, children: [left, right] };
  };
  const down = (tree, vector) => {
    if (tree.leaf) {
      inner(`tell/${tree.leaf}`, vector, `score/${tree.leaf}`, "tell", SYMBOLS);
      add(`loss/${tree.leaf}`, "SoftmaxWithLoss", [`score/${tree.leaf}`, tree.leaf], `loss/${tree.leaf}`);
      return;
    }
    inner(`decode/${tree.name}`, vector, `decoded/${tree.name}`, "decode", 2 * SIZE);
    add(`parts/${tree.name}`, "TanH", [`decoded/${tree.name}`], `parts/${tree.name}`);
    add(`slice/${tree.name}`, "Slice", [`parts/${tree.name}`], [`left/${tree.name}`, `right/${tree.name}`]);
    down(tree.children[0], `left/${tree.name}`);
    down(tree.children[1], `right/${tree.name}`);
  };
  const root = up(shape);
  down(root, root.vector);
  return { text: layers.join("\n"), leaves };
}

const nets = new Map();
/** Parameters by name, with Adam's moments; the first net fills them. */
const parameters = new Map();
async function netFor(shape) {
  const key = JSON.stringify(shape);
  if (!nets.has(key)) {
    const { text, leaves } = netOf(shape);
    const net = await Net.load(text, { phase: "TRAIN" });
    // The parameters by name: those of the first layer that has each.
    const blobs = new Map();
    for (const [layer, params] of net.params) {
      params.forEach((blob, i) => {
        const name = `${layer.split("/")[0]}/${i}`;
        if (!blobs.has(name)) blobs.set(name, blob);
      });
    }
    nets.set(key, { net, blobs, leaves });
  }
  const found = nets.get(key);
  for (const [name, blob] of found.blobs) {
    const { data } = blob;
    if (!parameters.has(name)) {
      const zeros = () => new Float32Array(data.length);
      parameters.set(name, { data: data.slice(), mean: zeros(), square: zeros() });
    }
    data.set(parameters.get(name).data);
  }
  return found;
}

/** One step of Adam with the gradients of a net. */
function update({ blobs }, t) {
  const rate = (0.003 * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
  for (const [name, { diff }] of blobs) {
    const { data, mean, square } = parameters.get(name);
    for (let i = 0; i < data.length; i++) {
      mean[i] = 0.9 * mean[i] + 0.1 * diff[i];
      square[i] = 0.999 * square[i] + 0.001 * diff[i] ** 2;
      data[i] -= (rate * mean[i]) / (Math.sqrt(square[i]) + 1e-8);
    }
  }
}

async function forward(leaves) {
  const tree = await netFor(shapeOf(leaves));
  const symbols = () => Float32Array.from({ length: ROWS }, () => Math.floor(draw() * SYMBOLS));
  const inputs = Object.fromEntries(
    Array.from({ length: leaves }, (_, i) => [`leaf${i}`, { shape: [ROWS], data: symbols() }]),
  );
  return { tree, inputs, blobs: await tree.net.forward(inputs) };
}

for (let t = 1; t <= iterations; t++) {
  const { tree, blobs } = await forward(2 + Math.floor(draw() * 4));
  await tree.net.backward();
  update(tree, t);
  if (t % 300 === 0) {
    const losses = Array.from({ length: tree.leaves }, (_, i) => blobs[`loss/leaf${i}`].data[0]);
    console.log(`iteration ${t}: loss ${(losses.reduce((a, b) => a + b) / losses.length).toFixed(3)} a leaf`);
  }
}

let [right, all] = [0, 0];
for (let i = 0; i < 100; i++) {
  const { tree, inputs, blobs } = await forward(2 + (i % 4));
  for (let leaf = 0; leaf < tree.leaves; leaf++) {
    const { data } = blobs[`score/leaf${leaf}`];
    for (let row = 0; row < ROWS; row++) {
      const scores = data.subarray(row * SYMBOLS, (row + 1) * SYMBOLS);
      right += Number(scores.indexOf(Math.max(...scores)) === inputs[`leaf${leaf}`].data[row]);
      all++;
    }
  }
}
console.log(
  `${nets.size} shapes of trees, ${((100 * right) / all).toFixed(1)} % of the leaves of new trees are told from one vector of ${SIZE}`,
);
for (const { net } of nets.values()) await net[Symbol.asyncDispose]();
