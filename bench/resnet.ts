/** Residual blocks of each of the four stages. */
const DEPTHS = { 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3] } as const;

/** A deploy prototxt of a residual network. */
export const resnetPrototxt = (depth: keyof typeof DEPTHS): string => `name: "ResNet-${depth}"
  layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 224 dim: 224 } } }
  ${resnetLayers(depth)}
  layer { name: "prob" type: "Softmax" bottom: "fc1000" top: "prob" }`;

/** A residual network (He 2015, table 1) from "data" to "fc1000", with Caffe's BatchNorm and Scale after each convolution. */
export function resnetLayers(depth: keyof typeof DEPTHS): string {
  const layers: string[] = [];
  const conv = (name: string, bottom: string, outputs: number, kernel: number, stride: number) => {
    layers.push(
      `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: ${outputs}
         kernel_size: ${kernel} stride: ${stride} pad: ${(kernel - 1) / 2} bias_term: false
         weight_filler { type: "msra" } } }`,
      `layer { name: "bn_${name}" type: "BatchNorm" bottom: "${name}" top: "${name}" }`,
      `layer { name: "scale_${name}" type: "Scale" bottom: "${name}" top: "${name}" scale_param { bias_term: true } }`,
    );
    return name;
  };
  const relu = (blob: string) => {
    layers.push(`layer { name: "${blob}_relu" type: "ReLU" bottom: "${blob}" top: "${blob}" }`);
    return blob;
  };
  let x = relu(conv("conv1", "data", 64, 7, 2));
  layers.push(
    `layer { name: "pool1" type: "Pooling" bottom: "${x}" top: "pool1" pooling_param { kernel_size: 3 stride: 2 } }`,
  );
  x = "pool1";
  DEPTHS[depth].forEach((blocks, stage) => {
    const width = 64 * 2 ** stage;
    for (let block = 0; block < blocks; block++) {
      const name = `res${stage + 2}_${block}`;
      const stride = block === 0 && stage > 0 ? 2 : 1;
      const shortcut = block === 0 ? conv(`${name}_branch1`, x, 4 * width, 1, stride) : x;
      const a = relu(conv(`${name}_branch2a`, x, width, 1, stride));
      const b = relu(conv(`${name}_branch2b`, a, width, 3, 1));
      const c = conv(`${name}_branch2c`, b, 4 * width, 1, 1);
      layers.push(`layer { name: "${name}" type: "Eltwise" bottom: "${shortcut}" bottom: "${c}" top: "${name}" }`);
      x = relu(name);
    }
  });
  layers.push(
    `layer { name: "pool5" type: "Pooling" bottom: "${x}" top: "pool5" pooling_param { pool: AVE global_pooling: true } }`,
    `layer { name: "fc1000" type: "InnerProduct" bottom: "pool5" top: "fc1000" inner_product_param { num_output: 1000
       weight_filler { type: "xavier" } } }`,
  );
  return layers.join("\n");
}
