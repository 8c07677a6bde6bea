/** Deploy nets as prototxts: the layers, names aside, of the published ones. */

/** A net under construction: lines of text, and the blob that the next layer reads. */
interface Layer {
  readonly text: string;
  readonly top: string;
}

const layer = (name: string, type: string, bottoms: readonly string[], param = "", top = name): Layer => ({
  text: `layer { name: "${name}" type: "${type}" ${bottoms.map((b) => `bottom: "${b}" `).join("")}top: "${top}" ${param} }\n`,
  top,
});

/** Layers in sequence, each on the top of the one before. */
class Chain {
  #text = "";
  top: string;

  constructor(top: string, text = "") {
    this.top = top;
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  add({ text, top }: Layer): this {
    this.#text += text;
    this.top = top;
    return this;
  }

  conv(name: string, outputs: number, kernel: number, more = ""): this {
    const param = `convolution_param { num_output: ${outputs} kernel_size: ${kernel} ${more} }`;
    return this.add(layer(name, "Convolution", [this.top], param));
  }

  inPlace(name: string, type: string, param = ""): this {
    return this.add(layer(name, type, [this.top], param, this.top));
  }

  relu(): this {
    return this.inPlace(`${this.top}/relu`, "ReLU");
  }

  /** A convolution with its ReLU. */
  convRelu(name: string, outputs: number, kernel: number, more = ""): this {
    return this.conv(name, outputs, kernel, more).relu();
  }

  /** BatchNorm and Scale, as trained nets have them after a convolution. */
  norm(eps = 1e-5): this {
    const name = this.top;
    return this.inPlace(`${name}/bn`, "BatchNorm", `batch_norm_param { eps: ${eps} }`).inPlace(
      `${name}/scale`,
      "Scale",
      "scale_param { bias_term: true }",
    );
  }

  pool(name: string, param: string): this {
    return this.add(layer(name, "Pooling", [this.top], `pooling_param { ${param} }`));
  }

  join(name: string, type: "Concat" | "Eltwise", bottoms: readonly string[]): this {
    return this.add(layer(name, type, bottoms));
  }

  /** Other chains from the same blob, and their tops. */
  branch(from: string, ...builds: readonly ((chain: Chain) => Chain)[]): readonly string[] {
    return builds.map((build) => {
      const chain = build(new Chain(from));
      this.#text += chain.text;
      return chain.top;
    });
  }
}

const start = (name: string) =>
  new Chain(
    "data",
    `name: "${name}"\n${layer("data", "Input", [], "input_param { shape { dim: 1 dim: 3 dim: 224 dim: 224 } }").text}`,
  );
const withSoftmax = (chain: Chain) => chain.add(layer("prob", "Softmax", [chain.top])).text;
const withClassifier = (chain: Chain) =>
  withSoftmax(chain.add(layer("fc", "InnerProduct", [chain.top], "inner_product_param { num_output: 1000 }")));
const BIAS_FREE = "bias_term: false";
const MAX = "kernel_size: 3 stride: 2";

/** SqueezeNet v1.1. */
function squeezeNet(): string {
  const net = start("SqueezeNet v1.1").convRelu("conv1", 64, 3, "stride: 2").pool("pool1", MAX);
  const fire = (name: string, squeeze: number, expand: number) => {
    const { top } = net.convRelu(`${name}/squeeze`, squeeze, 1);
    const parts = net.branch(
      top,
      (chain) => chain.convRelu(`${name}/expand1`, expand, 1),
      (chain) => chain.convRelu(`${name}/expand3`, expand, 3, "pad: 1"),
    );
    net.join(`${name}/concat`, "Concat", parts);
  };
  fire("fire2", 16, 64);
  fire("fire3", 16, 64);
  net.pool("pool3", MAX);
  fire("fire4", 32, 128);
  fire("fire5", 32, 128);
  net.pool("pool5", MAX);
  fire("fire6", 48, 192);
  fire("fire7", 48, 192);
  fire("fire8", 64, 256);
  fire("fire9", 64, 256);
  net.inPlace("drop9", "Dropout").convRelu("conv10", 1000, 1).pool("pool10", "pool: AVE global_pooling: true");
  return withSoftmax(net);
}

/** GoogLeNet of BVLC, with local response normalisation. */
function googLeNet(): string {
  const lrn = (chain: Chain, name: string) =>
    chain.add(layer(name, "LRN", [chain.top], "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"));
  const net = start("GoogLeNet").convRelu("conv1", 64, 7, "pad: 3 stride: 2").pool("pool1", MAX);
  lrn(net, "norm1").convRelu("conv2/reduce", 64, 1).convRelu("conv2", 192, 3, "pad: 1");
  lrn(net, "norm2").pool("pool2", MAX);
  const inception = (name: string, [c1, r3, c3, r5, c5, p]: readonly number[]) => {
    const parts = net.branch(
      net.top,
      (chain) => chain.convRelu(`${name}/1x1`, c1!, 1),
      (chain) => chain.convRelu(`${name}/3x3_reduce`, r3!, 1).convRelu(`${name}/3x3`, c3!, 3, "pad: 1"),
      (chain) => chain.convRelu(`${name}/5x5_reduce`, r5!, 1).convRelu(`${name}/5x5`, c5!, 5, "pad: 2"),
      (chain) => chain.pool(`${name}/pool`, "kernel_size: 3 stride: 1 pad: 1").convRelu(`${name}/proj`, p!, 1),
    );
    net.join(`${name}/output`, "Concat", parts);
  };
  inception("3a", [64, 96, 128, 16, 32, 32]);
  inception("3b", [128, 128, 192, 32, 96, 64]);
  net.pool("pool3", MAX);
  inception("4a", [192, 96, 208, 16, 48, 64]);
  inception("4b", [160, 112, 224, 24, 64, 64]);
  inception("4c", [128, 128, 256, 24, 64, 64]);
  inception("4d", [112, 144, 288, 32, 64, 64]);
  inception("4e", [256, 160, 320, 32, 128, 128]);
  net.pool("pool4", MAX);
  inception("5a", [256, 160, 320, 32, 128, 128]);
  inception("5b", [384, 192, 384, 48, 128, 128]);
  net.pool("pool5", "pool: AVE kernel_size: 7 stride: 1").inPlace("drop5", "Dropout");
  return withClassifier(net);
}

/** ResNet-50, which strides in the first convolution of a block. */
function resNet50(): string {
  const net = start("ResNet-50").conv("conv1", 64, 7, `pad: 3 stride: 2 ${BIAS_FREE}`).norm().relu().pool("pool1", MAX);
  const block = (name: string, channels: number, stride: number, project: boolean) => {
    const from = net.top;
    const [main, shortcut = from] = net.branch(
      from,
      (chain) =>
        chain
          .conv(`${name}/a`, channels, 1, `stride: ${stride} ${BIAS_FREE}`)
          .norm()
          .relu()
          .conv(`${name}/b`, channels, 3, `pad: 1 ${BIAS_FREE}`)
          .norm()
          .relu()
          .conv(`${name}/c`, 4 * channels, 1, BIAS_FREE)
          .norm(),
      ...(project
        ? [(chain: Chain) => chain.conv(`${name}/shortcut`, 4 * channels, 1, `stride: ${stride} ${BIAS_FREE}`).norm()]
        : []),
    );
    net.join(name, "Eltwise", [shortcut, main!]).relu();
  };
  [3, 4, 6, 3].forEach((blocks, stage) => {
    for (let i = 0; i < blocks; i++)
      block(`res${stage + 2}${"abcdef"[i]}`, 64 * 2 ** stage, i === 0 && stage > 0 ? 2 : 1, i === 0);
  });
  return withClassifier(net.pool("pool5", "pool: AVE kernel_size: 7 stride: 1"));
}

/** MobileNet v1. */
function mobileNet(): string {
  const net = start("MobileNet").conv("conv1", 32, 3, `pad: 1 stride: 2 ${BIAS_FREE}`).norm().relu();
  const outputs = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024];
  const strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1];
  let channels = 32;
  outputs.forEach((next, i) => {
    net.conv(`dw${i}`, channels, 3, `pad: 1 stride: ${strides[i]} group: ${channels} ${BIAS_FREE}`).norm().relu();
    net.conv(`sep${i}`, next, 1, BIAS_FREE).norm().relu();
    channels = next;
  });
  return withSoftmax(net.pool("pool6", "pool: AVE global_pooling: true").conv("fc7", 1000, 1));
}

/** The nets to measure, by name. */
export const NETS: Readonly<Record<string, () => string>> = {
  squeezenet: squeezeNet,
  googlenet: googLeNet,
  resnet50: resNet50,
  mobilenet: mobileNet,
};
