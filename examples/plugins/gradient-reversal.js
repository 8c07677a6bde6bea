// A plugin with a gradient of its own: nothing changes on the way forward, and on the way back the gradient is turned around, so that
// what is below learns to make the layers above fail (Ganin and Lempitsky 2015, domain-adversarial training).
//
//     layer { name: "reverse" type: "GradientReversal" bottom: "features" top: "reversed" reversal_param { factor: 0.5 } }

/** @type {import("netrun").PluginModule} */
export default ({ ops, constant, extraParam }) => ({
  type: "GradientReversal",
  bottoms: 1,
  tops: 1,
  lower: ({ bottoms }) => ({ tops: [bottoms[0]] }),
  /** The gradient of the bottom, from that of the top. */
  backward({ layer }, { gradients }) {
    const { factor = 1 } = extraParam(layer, "reversal_param");
    return [ops.mul(gradients[0], constant(-factor))];
  },
});
