/** Published prototxts that are not all of inspected, drawn and converted as they are. */
export interface PublishedException {
  /** Files by name; of several, what their names have in common. */
  readonly files: string;
  readonly count: number;
  readonly includes: (name: string) => boolean;
  readonly inspect: string;
  readonly draw: string;
  readonly convert: string;
  readonly reason: string;
  /** Part of the error where one does not convert; absent: it does, with shapes. */
  readonly said?: string;
}

const named =
  (...names: readonly string[]) =>
  (name: string) =>
    names.includes(name);

/** The one list of them: docs/published-nets.md shows it, and spec/slow/convert.spec.ts tries each. */
export const PUBLISHED_EXCEPTIONS: readonly PublishedException[] = [
  {
    files: "all with `solver` in their names",
    count: 55,
    includes: (name) => /solver/.test(name),
    inspect: "yes, with their nets where these are there",
    draw: "no",
    convert: "no",
    reason: "solvers: draw and convert take the nets that they name",
    said: "this is a solver, where a net is expected",
  },
  {
    files: "`mobilenet_ssd/template+MobileNetSSD_{deploy,test,train}_template.prototxt`",
    count: 3,
    includes: named(
      "mobilenet_ssd/template+MobileNetSSD_deploy_template.prototxt",
      "mobilenet_ssd/template+MobileNetSSD_test_template.prototxt",
      "mobilenet_ssd/template+MobileNetSSD_train_template.prototxt",
    ),
    inspect: "no",
    draw: "no",
    convert: "no",
    reason: "templates that a script of theirs fills in: `num_output: cls3x` is no number",
    said: 'num_output is an integer, found "cls3x"',
  },
  {
    files: "`mobilenet_ssd/create_lmdb+code+labelmap.prototxt`",
    count: 1,
    includes: named("mobilenet_ssd/create_lmdb+code+labelmap.prototxt"),
    inspect: "yes, as classes",
    draw: "no",
    convert: "no",
    reason: "a label map",
    said: "this is a label map, where a net is expected",
  },
  {
    files: "`sparknet/models+test+test.prototxt`",
    count: 1,
    includes: named("sparknet/models+test+test.prototxt"),
    inspect: "yes",
    draw: "yes",
    convert: "no",
    reason: "has inputs and no layers",
    said: "the net computes nothing from its inputs",
  },
  {
    files:
      "`bvlc/examples+hdf5_classification+{nonlinear_auto_test,nonlinear_auto_train,nonlinear_train_val,train_val}.prototxt`",
    count: 4,
    includes: (name) => /^bvlc\/examples\+hdf5_classification\+\w*(test|train|train_val)\.prototxt$/.test(name),
    inspect: "with `--shape data=N,4`",
    draw: "yes",
    convert: "with `--shape data=N,4`",
    reason: "the shapes are those of their HDF5 files, which are not there",
  },
  {
    files:
      "`bvlc/examples+{cifar10+cifar10_full_sigmoid_train_test,cifar10+cifar10_full_sigmoid_train_test_bn,mnist+mnist_autoencoder,siamese+mnist_siamese_train_test}.prototxt`",
    count: 4,
    includes: named(
      "bvlc/examples+cifar10+cifar10_full_sigmoid_train_test.prototxt",
      "bvlc/examples+cifar10+cifar10_full_sigmoid_train_test_bn.prototxt",
      "bvlc/examples+mnist+mnist_autoencoder.prototxt",
      "bvlc/examples+siamese+mnist_siamese_train_test.prototxt",
    ),
    inspect: "yes, of images as MNIST and CIFAR have them",
    draw: "yes",
    convert: "with `--shape data=N,3,32,32`, `data=N,1,28,28`, `pair_data=N,2,28,28`",
    reason: "the size of images is that of their databases, which are not there",
  },
];

export const exceptionFor = (name: string): PublishedException | undefined =>
  PUBLISHED_EXCEPTIONS.find(({ includes }) => includes(name));

/** The text of docs/published-nets.md. */
export function publishedPage(): string {
  const rows = PUBLISHED_EXCEPTIONS.map(({ files, count, inspect, draw, convert, reason }) =>
    [files, String(count), inspect, draw, convert, reason].join(" | "),
  );
  const others = PUBLISHED_FILES - PUBLISHED_EXCEPTIONS.reduce((sum, { count }) => sum + count, 0);
  return `# Published nets

Made from the list in \`spec/support/published.ts\` by \`npm run docs\`: do not edit.

netrun's specs read ${PUBLISHED_FILES} prototxts as they were published: those of BVLC Caffe, SparkNet, SqueezeNet, MobileNet, MTCNN, MobileNet-SSD, ENet and
Faster R-CNN. ${others} of them are inspected to the last shape, drawn and converted as they are, training nets as their predictions.
The others, and why:

| files | number | inspect | draw | convert | reason |
| --- | --- | --- | --- | --- | --- |
${rows.map((row) => `| ${row} |`).join("\n")}
`;
}

/** Number of them. */
export const PUBLISHED_FILES = 156;
