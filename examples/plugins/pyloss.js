// A layer plugin: what netrun runs in place of a Python layer. This one stands for the EuclideanLossLayer of the module pyloss,
// the loss that Caffe's linear regression example is written around.
//
//     netrun train examples/plugins/linreg.prototxt --base-lr 0.01 --max-iter 100 --plugin examples/plugins/pyloss.js
//
// A plugin says how its layer is computed from tensor operations; gradients follow from them.

/** @type {import("netrun").PluginModule} */
export default ({ ops, constant, count, sameShape }) => ({
  type: "Python",
  module: "pyloss",
  layer: "EuclideanLossLayer",
  bottoms: 2,
  tops: 1,
  /** Half the sum of squared differences, divided by the size of the batch. */
  lower(site) {
    const [a, b] = site.bottoms;
    const { shape } = a.type;
    if (count(b.type.shape) !== count(shape)) {
      throw site.bottomError(1, `[${b.type.shape}] does not have as many values as [${shape}]`);
    }
    const difference = ops.sub(a, sameShape(b.type.shape, shape) ? b : ops.reshape(b, shape));
    const sum = ops.sumAll(ops.mul(difference, difference));
    return { tops: [ops.mul(sum, constant(1 / (2 * shape[0])))] };
  },
});
