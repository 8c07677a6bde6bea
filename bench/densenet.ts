/** Dense layers of each of the four blocks (Huang 2016, table 1; 264 as in the authors' later list). */
const DEPTHS = { 121: [6, 12, 24, 16], 264: [6, 12, 64, 48] } as const;

/** A deploy prototxt of a densely connected network with BatchNorm and Scale before each convolution: 1,197 layers where it is 264 deep. */
export function densenetPrototxt(depth: keyof typeof DEPTHS): string {
  const growth = 32;
  const layers: string[] = [];
  const conv = (name: string, bottom: string, outputs: number, kernel: number, stride = 1, pad = (kernel - 1) / 2) => {
    layers.push(
      `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: ${outputs}
         kernel_size: ${kernel} stride: ${stride} pad: ${pad} bias_term: false weight_filler { type: "msra" } } }`,
    );
    return name;
  };
  const normalized = (name: string, bottom: string) => {
    const top = `${name}/bn`;
    layers.push(
      `layer { name: "${top}" type: "BatchNorm" bottom: "${bottom}" top: "${top}" }`,
      `layer { name: "${name}/scale" type: "Scale" bottom: "${top}" top: "${top}" scale_param { bias_term: true } }`,
      `layer { name: "${name}/relu" type: "ReLU" bottom: "${top}" top: "${top}" }`,
    );
    return top;
  };
  const pool = (name: string, bottom: string, fields: string) => {
    layers.push(
      `layer { name: "${name}" type: "Pooling" bottom: "${bottom}" top: "${name}" pooling_param { ${fields} } }`,
    );
    return name;
  };
  let x = normalized("conv1", conv("conv1", "data", 2 * growth, 7, 2));
  x = pool("pool1", x, "kernel_size: 3 stride: 2 pad: 1");
  let width = 2 * growth;
  DEPTHS[depth].forEach((count, block, { length }) => {
    for (let i = 0; i < count; i++) {
      const name = `conv${block + 2}_${i + 1}`;
      const narrow = conv(`${name}/x1`, normalized(`${name}/x1`, x), 4 * growth, 1);
      const added = conv(`${name}/x2`, normalized(`${name}/x2`, narrow), growth, 3);
      layers.push(`layer { name: "${name}" type: "Concat" bottom: "${x}" bottom: "${added}" top: "${name}" }`);
      x = name;
      width += growth;
    }
    x = normalized(`conv${block + 2}_end`, x);
    if (block === length - 1) return;
    width /= 2;
    x = pool(`pool${block + 2}`, conv(`conv${block + 2}_end`, x, width, 1), "pool: AVE kernel_size: 2 stride: 2");
  });
  x = pool("pool5", x, "pool: AVE global_pooling: true");
  conv("fc6", x, 1000, 1);
  return `name: "DenseNet-${depth}"
  layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 224 dim: 224 } } }
  ${layers.join("\n  ")}
  layer { name: "prob" type: "Softmax" bottom: "fc6" top: "prob" }`;
}
