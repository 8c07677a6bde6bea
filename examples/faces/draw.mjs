// Draws faces in the form of Labeled Faces in the Wild: a folder a person, NAME/NAME_0001.png and so on, of people that do not exist.
// node examples/faces/draw.mjs FOLDER: 20 people, 20 images each in FOLDER/train and 5 in FOLDER/test, 40 x 40 gray.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const folder = process.argv[2] ?? "faces";
const [PEOPLE, TRAIN, TEST, SIZE] = [20, 20, 5, 40];

let seed = 7;
const draw = (from = 0, to = 1) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return from + ((to - from) * seed) / 2 ** 32;
};

/** What is a person's own. */
const person = () => ({
  width: draw(0.5, 0.72),
  skin: draw(120, 220),
  hair: draw(15, 110),
  hairline: draw(-0.62, -0.35),
  eyes: draw(0.18, 0.3),
  eyeSize: draw(0.05, 0.1),
  brows: draw(0.1, 0.2),
  nose: draw(0.1, 0.3),
  mouth: draw(0.15, 0.32),
  beard: draw() < 0.3 ? draw(0.4, 0.6) : 2,
  glasses: draw() < 0.3,
});

/** The gray value of a face at a place; x and y go from -1 to 1. */
function shade(face, { smile, gaze }, x, y) {
  const isFace = (x / face.width) ** 2 + (y / 0.85) ** 2 < 1;
  const isHair = (x / (face.width + 0.12)) ** 2 + ((y + 0.08) / 0.9) ** 2 < 1 && y < 0.1;
  if (!isFace) return isHair ? face.hair : 235;
  if (y < face.hairline + 0.1 * Math.cos(4 * x)) return face.hair;
  const eye = Math.hypot(Math.abs(x) - face.eyes, y + 0.15);
  if (Math.hypot(Math.abs(x) - face.eyes - Math.sign(x) * gaze, y + 0.15) < face.eyeSize / 2) return 20;
  if (eye < face.eyeSize) return 250;
  if (face.glasses && Math.abs(eye - 0.16) < 0.03) return 30;
  if (Math.abs(y + 0.15 + face.brows) < 0.03 && Math.abs(Math.abs(x) - face.eyes) < 0.12) return face.hair;
  if (Math.abs(x) < 0.04 + 0.1 * Math.max(0, y) && y > -0.05 && y < face.nose) return face.skin - 45;
  if (Math.abs(x) < face.mouth && Math.abs(y - 0.5 + smile * (x / face.mouth) ** 2) < 0.05) return 70;
  return y > face.beard ? face.hair + 30 : face.skin;
}

/** An image of a face: turned, moved, lit from a side and smiling more or less. */
function image(face) {
  const [angle, dx, dy, scale, light] = [
    draw(-0.15, 0.15),
    draw(-0.1, 0.1),
    draw(-0.1, 0.1),
    draw(0.9, 1.1),
    draw(-35, 35),
  ];
  const mood = { smile: draw(-0.02, 0.12), gaze: draw(-0.03, 0.03) };
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  return Uint8Array.from({ length: SIZE * SIZE }, (_, i) => {
    const [x, y] = [((i % SIZE) + 0.5) / (SIZE / 2) - 1 - dx, (Math.floor(i / SIZE) + 0.5) / (SIZE / 2) - 1 - dy];
    const value = shade(face, mood, cos * x - sin * y, sin * x + cos * y);
    return Math.min(255, Math.max(0, value + light * x + draw(-12, 12)));
  });
}

for (let p = 1; p <= PEOPLE; p++) {
  const face = person();
  const name = `person_${String(p).padStart(2, "0")}`;
  for (let n = 1; n <= TRAIN + TEST; n++) {
    const into = join(folder, n <= TRAIN ? "train" : "test", name);
    mkdirSync(into, { recursive: true });
    await sharp(image(face), { raw: { width: SIZE, height: SIZE, channels: 1 } })
      .png()
      .toFile(join(into, `${name}_${String(n).padStart(4, "0")}.png`));
  }
}
console.log(`${PEOPLE} people in ${folder}`);
