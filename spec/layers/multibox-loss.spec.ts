import { expect } from "chai";
import { expectClose, noise } from "../support/forks.js";
import { ITEMS, multiBox, PRIORS, priorBoxes, type Settings, truth, VARIANCE } from "../support/multi-box.js";
import { inputLayer, refusal, runText, tensor } from "../support/net.js";

const SETTINGS: readonly Settings[] = [
  { code_type: "CENTER_SIZE" },
  { code_type: "CENTER_SIZE", overlap_threshold: 0.3, neg_pos_ratio: 1.5, neg_overlap: 0.2, loc_weight: 2 },
  { code_type: "CENTER_SIZE", match_type: "BIPARTITE", use_difficult_gt: false, normalization: "FULL" },
  {
    code_type: "CORNER",
    mining_type: "NONE",
    loc_loss_type: "L2",
    overlap_threshold: 0.4,
    normalization: "BATCH_SIZE",
  },
  { code_type: "CORNER", do_neg_mining: false, conf_loss_type: "LOGISTIC", overlap_threshold: 0.4 },
  { code_type: "CORNER_SIZE", conf_loss_type: "LOGISTIC", encode_variance_in_target: true, normalization: "NONE" },
  {
    code_type: "CENTER_SIZE",
    encode_variance_in_target: true,
    ignore_cross_boundary_bbox: true,
    overlap_threshold: 0.2,
  },
  { code_type: "CENTER_SIZE", map_object_to_agnostic: true, classes: 2, neg_overlap: 0.1 },
  { code_type: "CENTER_SIZE", mining_type: "HARD_EXAMPLE", sample_size: 12, overlap_threshold: 0.2 },
  {
    code_type: "CORNER",
    mining_type: "HARD_EXAMPLE",
    sample_size: 9,
    conf_loss_type: "LOGISTIC",
    overlap_threshold: 0.2,
    ignore_cross_boundary_bbox: true,
  },
  { code_type: "CENTER_SIZE", mining_type: "HARD_EXAMPLE", sample_size: 100, loc_loss_type: "L2" },
  { code_type: "CENTER_SIZE", share_location: false, mining_type: "NONE", overlap_threshold: 0.3 },
  { code_type: "CORNER", share_location: false, do_neg_mining: false, encode_variance_in_target: true },
  { code_type: "CORNER", bp_inside: true, overlap_threshold: 0.2 },
  { code_type: "CORNER_SIZE", bp_inside: true, mining_type: "NONE", share_location: false, loc_loss_type: "L2" },
  { code_type: "CENTER_SIZE", use_prior_for_matching: false, overlap_threshold: 0.3 },
  {
    code_type: "CORNER_SIZE",
    use_prior_for_matching: false,
    bp_inside: true,
    ignore_cross_boundary_bbox: true,
    mining_type: "HARD_EXAMPLE",
    sample_size: 12,
    overlap_threshold: 0.2,
  },
  { code_type: "CENTER_SIZE", background_label_id: 3, classes: 4, neg_pos_ratio: 100 },
  { code_type: "CENTER_SIZE", classes: 2, neg_overlap: 0.1 },
  ...(["SOFTMAX", "LOGISTIC"] as const).map((conf_loss_type) => ({
    code_type: "CENTER_SIZE" as const,
    share_location: false,
    use_prior_for_matching: false,
    mining_type: "NONE" as const,
    overlap_threshold: 0.2,
    conf_loss_type,
  })),
  {
    code_type: "CORNER",
    share_location: false,
    use_prior_for_matching: false,
    mining_type: "NONE",
    map_object_to_agnostic: true,
    classes: 2,
    bp_inside: true,
    ignore_cross_boundary_bbox: true,
    overlap_threshold: 0.2,
  },
  { code_type: "CENTER_SIZE", nms: { nms_threshold: 0.1 }, neg_pos_ratio: 2, use_prior_for_nms: true },
  { code_type: "CORNER", nms: { nms_threshold: 0.2, top_k: 7 }, neg_pos_ratio: 4 },
  {
    code_type: "CENTER_SIZE",
    mining_type: "HARD_EXAMPLE",
    sample_size: 12,
    nms: { nms_threshold: 0.3, top_k: 20 },
    use_prior_for_matching: false,
    overlap_threshold: 0.2,
  },
  { code_type: "CENTER_SIZE", focal: { alpha: 0.4, gamma: 1.5 } },
  { code_type: "CORNER", focal: { alpha: 0.25, gamma: 2 }, mining_type: "NONE" },
];

/** Settings of RefineDet's second stage. */
const REFINED: readonly Settings[] = [
  { code_type: "CENTER_SIZE", overlap_threshold: 0.2, objectness_score: 0.4 },
  { code_type: "CENTER_SIZE", overlap_threshold: 0.3, bp_inside: true, encode_variance_in_target: true },
  {
    code_type: "CENTER_SIZE",
    mining_type: "HARD_EXAMPLE",
    sample_size: 12,
    overlap_threshold: 0.2,
    objectness_score: 0.3,
    ignore_cross_boundary_bbox: true,
  },
  { code_type: "CORNER", use_prior_for_matching: false, bp_inside: true, overlap_threshold: 0.2 },
];

const inputs = (classes: number, sets = 1) =>
  [
    inputLayer("loc", ITEMS, PRIORS * 4 * sets),
    inputLayer("conf", ITEMS, PRIORS * classes),
    inputLayer("prior", 1, 2, PRIORS * 4),
    inputLayer("label", 1, 1, truth.length, 8),
  ].join("");

const bottoms = `bottom: "loc" bottom: "conf" bottom: "prior" bottom: "label"`;

describe("MultiBoxLoss", () => {
  const prior = tensor([...priorBoxes.flat(), ...priorBoxes.flatMap(() => VARIANCE)], [1, 2, PRIORS * 4]);
  const label = tensor(truth.flat(), [1, 1, truth.length, 8]);

  /** Fields as text. */
  const textOf = ({ classes = 3, normalization, nms, focal, ...fields }: Settings) => {
    const write = (values: object) =>
      Object.entries(values)
        .map(([name, value]) => `${name}: ${value}`)
        .join(" ");
    const suppression = nms ? `nms_param { ${write(nms)} }` : "";
    return `type: "${focal ? "MultiBoxFocalLoss" : "MultiBoxLoss"}"
      multibox_loss_param { ${write({ num_classes: classes, ...fields })} ${suppression} }
      ${focal ? `focal_loss_param { ${write(focal)} }` : ""}
      ${normalization ? `loss_param { normalization: ${normalization} }` : ""}`;
  };
  const seeds = { loss: tensor([1], []) };

  for (const settings of SETTINGS) {
    it(`has the loss and the gradients of SSD's loops, ${JSON.stringify(settings)}`, async () => {
      const { classes = 3 } = settings;
      const sets = settings.share_location === false ? classes : 1;
      const [loc, conf] = [noise(5, [ITEMS, PRIORS * 4 * sets], -2, 2), noise(6, [ITEMS, PRIORS * classes], -2, 2)];
      const layer = `layer { name: "l" ${bottoms} top: "loss" ${textOf(settings)} }`;
      const given = { loc, conf, prior, label };
      const ran = await runText(inputs(classes, sets) + layer, given, { seeds, phase: "TRAIN" });
      const expected = multiBox(settings, loc, conf);
      expect(expected.matches).to.be.greaterThan(3);
      expectClose({ net: ran.blobs["loss"]! }, [], [expected.loss]);
      expectClose({ net: ran.gradients["loc"]! }, [...loc.shape], expected.dOffsets);
      expectClose({ net: ran.gradients["conf"]! }, [...conf.shape], expected.dScores);
    });
  }

  for (const settings of REFINED) {
    it(`has the loss and the gradients of RefineDet's loops in its second stage, ${JSON.stringify(settings)}`, async () => {
      const [loc, conf] = [noise(5, [ITEMS, PRIORS * 4], -2, 2), noise(6, [ITEMS, PRIORS * 3], -2, 2)];
      const [scores, moved] = [noise(7, [ITEMS, PRIORS * 2], 0, 1), noise(8, [ITEMS, PRIORS * 4], -1, 1)];
      const more = inputLayer("object", ...scores.shape) + inputLayer("moved", ...moved.shape);
      const text = (ends: string) =>
        `${inputs(3)}${more} layer { name: "l" ${bottoms} ${ends} top: "loss" ${textOf(settings)} }`;
      const given = { loc, conf, prior, label, object: scores, moved };
      const all = await runText(text(`bottom: "object" bottom: "moved"`), given, { seeds, phase: "TRAIN" });
      const expected = multiBox(settings, loc, conf, { scores, offsets: moved });
      expect(expected.matches).to.be.greaterThan(3);
      expectClose({ net: all.blobs["loss"]! }, [], [expected.loss]);
      expectClose({ net: all.gradients["loc"]! }, [...loc.shape], expected.dOffsets);
      expectClose({ net: all.gradients["conf"]! }, [...conf.shape], expected.dScores);
      // Scores alone select what is mined.
      const some = await runText(text(`bottom: "object"`), given, { seeds, phase: "TRAIN" });
      expectClose({ net: some.blobs["loss"]! }, [], [multiBox(settings, loc, conf, { scores }).loss]);
    });
  }

  it("trains a net whose priors have the size of a map that is trained through", async () => {
    const map = (name: string, outputs: number) => `
      layer { name: "${name}" type: "Convolution" bottom: "c" top: "${name}" convolution_param { num_output: ${outputs} kernel_size: 1 weight_filler { type: "xavier" } } }`;
    const text = `${inputLayer("x", 1, 2, 4, 4)}${inputLayer("label", 1, 1, truth.length, 8)}
      layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
      ${map("loc", 4)} ${map("conf", 3)}
      layer { name: "p" type: "PriorBox" bottom: "c" bottom: "x" top: "p" prior_box_param { min_size: 2 } }
      layer { name: "loss" type: "MultiBoxLoss" bottom: "loc" bottom: "conf" bottom: "p" bottom: "label" top: "loss"
        multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE overlap_threshold: 0.3 } }`;
    const ran = await runText(text, { x: noise(3, [1, 2, 4, 4]), label }, { seeds, phase: "TRAIN" });
    expect(ran.parameters["c/0"]!.some((v) => v !== 0)).to.equal(true);
  });

  it("trains both stages of RefineDet from the labels of all classes", async () => {
    const map = (name: string, outputs: number) => `
      layer { name: "${name}" type: "Convolution" bottom: "c" top: "${name}" convolution_param { num_output: ${outputs} kernel_size: 1 weight_filler { type: "xavier" } } }`;
    const settings = "code_type: CENTER_SIZE overlap_threshold: 0.3";
    const text = (of: {
      readonly first: number;
      readonly second: number;
    }) => `${inputLayer("x", 2, 2, 4, 4)}${inputLayer("label", 1, 1, truth.length, 8)}
      layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
      ${map("arm_loc", 4)} ${map("arm_conf", 2)} ${map("odm_loc", 4)} ${map("odm_conf", 3)}
      layer { name: "p" type: "PriorBox" bottom: "c" bottom: "x" top: "p" prior_box_param { min_size: 2 } }
      layer { name: "rows" type: "Permute" bottom: "arm_conf" top: "rows" permute_param { order: 0 order: 2 order: 3 order: 1 } }
      layer { name: "pairs" type: "Reshape" bottom: "rows" top: "pairs" reshape_param { shape { dim: 0 dim: -1 dim: 2 } } }
      layer { name: "soft" type: "Softmax" bottom: "pairs" top: "soft" softmax_param { axis: 2 } }
      layer { name: "object" type: "Flatten" bottom: "soft" top: "object" }
      layer { name: "first" type: "MultiBoxLoss" bottom: "arm_loc" bottom: "arm_conf" bottom: "p" bottom: "label" top: "first" loss_weight: ${of.first}
        multibox_loss_param { num_classes: 2 ${settings} } }
      layer { name: "second" type: "MultiBoxLoss" bottom: "odm_loc" bottom: "odm_conf" bottom: "p" bottom: "label" bottom: "object" bottom: "arm_loc"
        top: "second" loss_weight: ${of.second} multibox_loss_param { num_classes: 3 ${settings} objectness_score: 0.01 } }`;
    const x = noise(3, [2, 2, 4, 4]);
    const given = tensor(
      truth.flatMap((row) => (row[0] === 2 ? row.map(() => -1) : row)),
      [1, 1, truth.length, 8],
    );
    const of = async (loss: "first" | "second") => {
      const net = text({ first: 0, second: 0, [loss]: 1 });
      const ran = await runText(net, { x, label: given }, { seeds: { [loss]: tensor([1], []) }, phase: "TRAIN" });
      return (name: string) => ran.parameters[`${name}/0`]!.some((v) => v !== 0);
    };
    const [first, second] = [await of("first"), await of("second")];
    expect(["c", "arm_loc", "arm_conf", "odm_loc", "odm_conf"].map(first)).to.deep.equal([
      true,
      true,
      true,
      false,
      false,
    ]);
    // The first stage's boxes have no gradient in the second, as in RefineDet's Caffe.
    expect(["c", "arm_loc", "arm_conf", "odm_loc", "odm_conf"].map(second)).to.deep.equal([
      true,
      false,
      false,
      true,
      true,
    ]);
  });

  for (const [param, message] of [
    ["", "num_classes must be given"],
    ["num_classes: 3 share_location: false", "priors are mined with share_location alone"],
    ["num_classes: 3 mining_type: HARD_EXAMPLE sample_size: 0", "sample_size is 0"],
    ["num_classes: 3 conf_loss_type: LOGISTIC background_label_id: 1", "LOGISTIC takes background_label_id 0"],
    ["num_classes: 5", "does not have 5 scores for each of 32 priors"],
  ] as const) {
    it(`refuses "${param}"`, () => {
      const layer = `layer { name: "l" type: "MultiBoxLoss" ${bottoms} top: "loss" multibox_loss_param { ${param} } }`;
      expect(refusal(inputs(3) + layer)).to.contain(message);
    });
  }

  it("MultiBoxFocalLoss is divided as loss_param says", async () => {
    const [loc, conf] = [noise(5, [ITEMS, PRIORS * 4], -2, 2), noise(6, [ITEMS, PRIORS * 3], -2, 2)];
    const settings = { code_type: "CENTER_SIZE", focal: { alpha: 0.4, gamma: 1.5 }, normalization: "NONE" } as const;
    const { loss } = multiBox(settings, loc, conf);
    for (const [param, by] of [
      ["normalization: NONE", 1],
      ["normalize: false", ITEMS],
      ["normalization: PRE_FIXED pre_fixed_normalizer: 5", 5],
    ] as const) {
      const { normalization: _, ...rest } = settings;
      const layer = `layer { name: "l" ${bottoms} top: "loss" ${textOf(rest)} loss_param { ${param} } }`;
      const ran = await runText(inputs(3) + layer, { loc, conf, prior, label }, { phase: "TRAIN" });
      expectClose({ net: ran.blobs["loss"]! }, [], [loss / by]);
    }
  });

  it("refuses what RefineDet's Caffe cannot compute", () => {
    const object = inputLayer("object", ITEMS, PRIORS * 2);
    const of = (param: string, type = "MultiBoxLoss") =>
      refusal(
        `${inputs(3)}${object} layer { name: "l" type: "${type}" ${bottoms} bottom: "object" top: "loss" multibox_loss_param { num_classes: 3 ${param} } }`,
      );
    expect(of("nms_param { nms_threshold: 0.5 }")).to.contain("suppresses other priors than it mines");
    expect(of("share_location: false mining_type: NONE")).to.contain("offsets of a first stage go with share_location");
    expect(of("conf_loss_type: LOGISTIC", "MultiBoxFocalLoss")).to.contain("a focal loss is of conf_loss_type SOFTMAX");
    const small = `${inputs(3)}${inputLayer("object", ITEMS, 7)} layer { name: "l" type: "MultiBoxLoss" ${bottoms} bottom: "object" top: "loss" multibox_loss_param { num_classes: 3 } }`;
    expect(refusal(small)).to.contain("does not have 2 numbers for each of 32 priors");
  });
});
