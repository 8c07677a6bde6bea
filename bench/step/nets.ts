import { resnetLayers } from "../resnet.js";

/** A net whose training steps are timed, as Caffe's own files of that name have it. */
export interface StepNet {
  readonly name: string;
  readonly batch: number;
  /** [c, h, w] of an image. */
  readonly image: readonly [number, number, number];
  readonly classes: number;
  /** A prototxt that reads "data" and "label". */
  readonly prototxt: string;
}

type Image = readonly [number, number, number];

const inputs = (batch: number, [c, h, w]: Image) => `
  layer { name: "data" type: "Input" top: "data" top: "label"
          input_param { shape { dim: ${batch} dim: ${c} dim: ${h} dim: ${w} } shape { dim: ${batch} } } }`;

/** A list of layers that grows, each on the blob that the last one made. */
class Layers {
  readonly #text: string[] = [];
  #top = "data";

  get top(): string {
    return this.#top;
  }

  from(blob: string): this {
    this.#top = blob;
    return this;
  }

  add(name: string, type: string, fields = "", bottoms: readonly string[] = [this.#top], top = name): this {
    const from = bottoms.map((bottom) => `bottom: "${bottom}"`).join(" ");
    this.#text.push(`layer { name: "${name}" type: "${type}" ${from} top: "${top}" ${fields} }`);
    this.#top = top;
    return this;
  }

  conv(name: string, outputs: number, kernel: number, { stride = 1, pad = 0, group = 1 } = {}): this {
    return this.add(
      name,
      "Convolution",
      `convolution_param { num_output: ${outputs} kernel_size: ${kernel} stride: ${stride} pad: ${pad} group: ${group}
         weight_filler { type: "xavier" } }`,
    );
  }

  pool(name: string, pool: "MAX" | "AVE", kernel: number, stride: number, pad = 0): this {
    return this.add(
      name,
      "Pooling",
      `pooling_param { pool: ${pool} kernel_size: ${kernel} stride: ${stride} pad: ${pad} }`,
    );
  }

  full(name: string, outputs: number): this {
    const fields = `inner_product_param { num_output: ${outputs} weight_filler { type: "xavier" } }`;
    return this.add(name, "InnerProduct", fields);
  }

  /** A layer on its own top. */
  inPlace(name: string, type: string, fields = ""): this {
    return this.add(name, type, fields, [this.#top], this.#top);
  }

  relu(): this {
    return this.inPlace(`relu_${this.#top}`, "ReLU");
  }

  dropout(ratio: number): this {
    return this.inPlace(`drop_${this.#top}`, "Dropout", `dropout_param { dropout_ratio: ${ratio} }`);
  }

  lrn(name: string): this {
    return this.add(name, "LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }");
  }

  loss(name = "loss", weight = 1): this {
    return this.add(name, "SoftmaxWithLoss", `loss_weight: ${weight}`, [this.#top, "label"]);
  }

  toString(): string {
    return this.#text.join("\n");
  }
}

const lenet = () =>
  new Layers()
    .conv("conv1", 20, 5)
    .pool("pool1", "MAX", 2, 2)
    .conv("conv2", 50, 5)
    .pool("pool2", "MAX", 2, 2)
    .full("ip1", 500)
    .relu()
    .full("ip2", 10)
    .loss();

const cifarQuick = () =>
  new Layers()
    .conv("conv1", 32, 5, { pad: 2 })
    .pool("pool1", "MAX", 3, 2)
    .relu()
    .conv("conv2", 32, 5, { pad: 2 })
    .relu()
    .pool("pool2", "AVE", 3, 2)
    .conv("conv3", 64, 5, { pad: 2 })
    .relu()
    .pool("pool3", "AVE", 3, 2)
    .full("ip1", 64)
    .full("ip2", 10)
    .loss();

const caffenet = () =>
  new Layers()
    .conv("conv1", 96, 11, { stride: 4 })
    .relu()
    .pool("pool1", "MAX", 3, 2)
    .lrn("norm1")
    .conv("conv2", 256, 5, { pad: 2, group: 2 })
    .relu()
    .pool("pool2", "MAX", 3, 2)
    .lrn("norm2")
    .conv("conv3", 384, 3, { pad: 1 })
    .relu()
    .conv("conv4", 384, 3, { pad: 1, group: 2 })
    .relu()
    .conv("conv5", 256, 3, { pad: 1, group: 2 })
    .relu()
    .pool("pool5", "MAX", 3, 2)
    .full("fc6", 4096)
    .relu()
    .dropout(0.5)
    .full("fc7", 4096)
    .relu()
    .dropout(0.5)
    .full("fc8", 1000)
    .loss();

/** Outputs of an inception module: 1x1, 3x3 after its reduction, 5x5 after its reduction, and the pool's projection. */
type Inception = readonly [one: number, reduce3: number, three: number, reduce5: number, five: number, pool: number];

function inception(net: Layers, name: string, [one, reduce3, three, reduce5, five, pool]: Inception): void {
  const from = net.top;
  net.conv(`${name}/1x1`, one, 1).relu();
  net.from(from).conv(`${name}/3x3_reduce`, reduce3, 1).relu().conv(`${name}/3x3`, three, 3, { pad: 1 }).relu();
  net.from(from).conv(`${name}/5x5_reduce`, reduce5, 1).relu().conv(`${name}/5x5`, five, 5, { pad: 2 }).relu();
  net.from(from).pool(`${name}/pool`, "MAX", 3, 1, 1).conv(`${name}/pool_proj`, pool, 1).relu();
  const branches = ["1x1", "3x3", "5x5", "pool_proj"].map((branch) => `${name}/${branch}`);
  net.add(`${name}/output`, "Concat", "", branches);
}

/** A loss in the middle of GoogLeNet, weighted 0.3. */
function middleLoss(net: Layers, name: string): void {
  const from = net.top;
  net.pool(`${name}/ave_pool`, "AVE", 5, 3).conv(`${name}/conv`, 128, 1).relu().full(`${name}/fc`, 1024).relu();
  net.dropout(0.7).full(`${name}/classifier`, 1000).loss(`${name}/loss`, 0.3).from(from);
}

function googlenet(): Layers {
  const net = new Layers();
  net.conv("conv1", 64, 7, { stride: 2, pad: 3 }).relu().pool("pool1", "MAX", 3, 2).lrn("norm1");
  net
    .conv("conv2/reduce", 64, 1)
    .relu()
    .conv("conv2", 192, 3, { pad: 1 })
    .relu()
    .lrn("norm2")
    .pool("pool2", "MAX", 3, 2);
  inception(net, "3a", [64, 96, 128, 16, 32, 32]);
  inception(net, "3b", [128, 128, 192, 32, 96, 64]);
  net.pool("pool3", "MAX", 3, 2);
  inception(net, "4a", [192, 96, 208, 16, 48, 64]);
  middleLoss(net, "loss1");
  inception(net, "4b", [160, 112, 224, 24, 64, 64]);
  inception(net, "4c", [128, 128, 256, 24, 64, 64]);
  inception(net, "4d", [112, 144, 288, 32, 64, 64]);
  middleLoss(net, "loss2");
  inception(net, "4e", [256, 160, 320, 32, 128, 128]);
  net.pool("pool4", "MAX", 3, 2);
  inception(net, "5a", [256, 160, 320, 32, 128, 128]);
  inception(net, "5b", [384, 192, 384, 48, 128, 128]);
  return net.pool("pool5", "AVE", 7, 1).dropout(0.4).full("classifier", 1000).loss();
}

const resnet50 = () => `${resnetLayers(50)}
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc1000" bottom: "label" top: "loss" }`;

const net = (name: string, batch: number, image: Image, classes: number, layers: string): StepNet => ({
  name,
  batch,
  image,
  classes,
  prototxt: `name: "${name}" ${inputs(batch, image)}\n${layers}`,
});

/** The nets whose steps are timed, smallest first. */
export const stepNets: readonly StepNet[] = [
  net("lenet", 64, [1, 28, 28], 10, String(lenet())),
  net("cifar", 100, [3, 32, 32], 10, String(cifarQuick())),
  net("caffenet", 16, [3, 227, 227], 1000, String(caffenet())),
  net("googlenet", 8, [3, 224, 224], 1000, String(googlenet())),
  net("resnet50", 4, [3, 224, 224], 1000, resnet50()),
];

/** A net at another batch size. */
export const withBatch = ({ prototxt, ...net }: StepNet, batch: number): StepNet => ({
  ...net,
  batch,
  prototxt: prototxt.replace(inputs(net.batch, net.image), inputs(batch, net.image)),
});
