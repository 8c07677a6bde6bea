// Draws digits and what a trained autoencoder makes of them: node examples/mnist-autoencoder/reconstruct.mjs WEIGHTS.caffemodel PICTURE.png
import { writeFileSync } from "node:fs";
import { Net, tilesPng } from "netrun";

const [weights, picture] = process.argv.slice(2);
const net = await Net.load("examples/mnist-autoencoder/train_test.prototxt", { weights });
const { data, reconstruction } = await net.forward();
const images = ({ data: values }) => Array.from({ length: 16 }, (_, i) => values.subarray(784 * i, 784 * (i + 1)));
const range = [0, 1];
writeFileSync(
  picture,
  await tilesPng(
    [
      { images: images(data), range },
      { images: images(reconstruction), range },
    ],
    [1, 28, 28],
  ),
);
const squares = data.data.reduce((sum, value, i) => sum + (value - reconstruction.data[i]) ** 2, 0);
console.log(`mean squared error a pixel: ${(squares / data.data.length).toFixed(4)}`);
await net[Symbol.asyncDispose]();
