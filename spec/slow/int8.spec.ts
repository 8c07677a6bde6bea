import { expect } from "chai";
import { convert } from "../../lib/convert/index.js";
import { describeShared, sharedPath } from "../support/shared.js";

describeShared("int8 models of published weights", () => {
  const zoo = (...parts: string[]) => sharedPath("zoo", ...parts);
  const cases = [
    ["examples+mnist+lenet", "lenet_iter_10000", { scale: 1 / 256 }, ["mnist", "mnist"], 0.9925],
    [
      "examples+cifar10+cifar10_quick",
      "cifar10_quick_iter_5000",
      { meanFile: zoo("cifar10", "mean.binaryproto") },
      ["cifar10", "cifar10"],
      0.5985,
    ],
    [
      "examples+cifar10+cifar10_full",
      "cifar10_full_iter_70000",
      { meanFile: zoo("cifar10", "mean.binaryproto") },
      ["cifar10", "cifar10"],
      0.646,
    ],
  ] as const;
  for (const [net, weights, options, [folder, name], expected] of cases) {
    it(`${weights} loses less than a point of accuracy, in about a quarter of the bytes`, async () => {
      const [path, file] = [zoo("prototxt", "bvlc", `${net}.prototxt`), zoo("models", `${weights}.caffemodel`)];
      const { model, report } = await convert(path, file, {
        ...options,
        int8: true,
        calibrate: zoo(folder, `${name}_train_lmdb`),
        verify: zoo(folder, `${name}_test_lmdb`),
        verifyBatches: 200,
      });
      const [accuracy] = report.accuracy;
      expect(accuracy).to.deep.include({ rows: 2000, net: expected });
      expect(accuracy!.file).to.be.greaterThan(expected - 0.01);
      expect(report.verification![0]!.within).to.equal(true);
      const float = await convert(path, file, { verify: false });
      expect(model.length / float.model.length).to.be.lessThan(0.3);
    });
  }
});
