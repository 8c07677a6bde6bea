import { readFileSync } from "node:fs";
import { expect } from "chai";
import { Net } from "../../lib/api/net.js";
import { hashedInput } from "../support/hashed.js";
import { describeShared, sharedPath } from "../support/shared.js";

/** Accuracy and loss of a published net with published weights, over batches of the data that `source` is put for. */
async function score(net: string, weights: string, data: Readonly<Record<string, string>>, batches: number) {
  let text = readFileSync(sharedPath("zoo", "prototxt", "bvlc", net), "utf8");
  for (const [path, file] of Object.entries(data)) text = text.replaceAll(path, sharedPath("zoo", ...file.split("/")));
  await using loaded = await Net.load(text, { phase: "TEST", weights: sharedPath("zoo", "models", weights) });
  let [accuracy, loss] = [0, 0];
  for (let i = 0; i < batches; i++) {
    const blobs = await loaded.forward();
    accuracy += blobs["accuracy"]!.data[0]! / batches;
    loss += blobs["loss"]!.data[0]! / batches;
  }
  return { accuracy, loss };
}

const cifar = {
  "examples/cifar10/cifar10_train_lmdb": "cifar10/cifar10_train_lmdb",
  "examples/cifar10/cifar10_test_lmdb": "cifar10/cifar10_test_lmdb",
  "examples/cifar10/mean.binaryproto": "cifar10/mean.binaryproto",
};

/** The JPEG decoder may differ from Caffe's by 1 of 255, which moves an accuracy by an image or two. */
function expectScore(found: { accuracy: number; loss: number }, accuracy: number, loss: number): void {
  expect(found.accuracy).to.be.closeTo(accuracy, 0.002);
  expect(found.loss).to.be.closeTo(loss, 0.005 * loss);
}

describeShared("published models", () => {
  it("LeNet scores on MNIST's 10,000 test images as it does in Caffe", async () => {
    const test = async (lmdb: string, batches: number) => {
      const data = { "examples/mnist/mnist_test_lmdb": `mnist/${lmdb}` };
      return score("examples+mnist+lenet_train_test.prototxt", "lenet_iter_10000.caffemodel", data, batches);
    };
    const first = await test("mnist_train_lmdb", 80);
    const last = await test("mnist_test_lmdb", 20);
    const whole = (key: "accuracy" | "loss") => 0.8 * first[key] + 0.2 * last[key];
    expectScore({ accuracy: whole("accuracy"), loss: whole("loss") }, 0.9905, 0.02918);
  });

  it("CIFAR-10 quick scores as it does in Caffe", async () => {
    const net = "examples+cifar10+cifar10_quick_train_test.prototxt";
    expectScore(await score(net, "cifar10_quick_iter_5000.caffemodel", cifar, 20), 0.5985, 1.3711);
  });

  it("CIFAR-10 full scores as it does in Caffe", async () => {
    const net = "examples+cifar10+cifar10_full_train_test.prototxt";
    expectScore(await score(net, "cifar10_full_iter_70000.caffemodel", cifar, 20), 0.646, 1.0795);
  });

  for (const [name, shape, probability] of [
    ["mtcnn_det1", [1, 3, 60, 83], [1, 2, 25, 37]],
    ["mtcnn_det2", [3, 3, 24, 24], [3, 2]],
  ] as const) {
    it(`${name} detects with its published weights on inputs of [${shape}]`, async () => {
      const file = (end: string) => sharedPath("zoo", "models", `${name}.${end}`);
      await using net = await Net.load(file("prototxt"), { weights: file("caffemodel") });
      const { prob1, ...blobs } = await net.forward({ data: hashedInput("data", shape) });
      expect(prob1!.shape).to.deep.equal(probability);
      const inner = prob1!.data.length / (probability[0] * 2);
      expect(prob1!.data[0]! + prob1!.data[inner]!).to.be.closeTo(1, 1e-6);
      expect(Object.values(blobs).every(({ data }) => data.every(Number.isFinite))).to.equal(true);
    });
  }
});
