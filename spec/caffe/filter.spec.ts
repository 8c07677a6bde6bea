import { expect } from "chai";
import { filterNet, mergeStates } from "../../lib/caffe/filter.js";
import { loadNet } from "../../lib/caffe/load.js";
import { create } from "../../lib/caffe/message.js";
import type { NetState } from "../../lib/caffe/messages.js";
import { Phase } from "../../lib/caffe/messages.js";
import { reflect } from "../../lib/caffe/schema.js";
import { NetrunError } from "../../lib/error.js";
import { parseText } from "../../lib/text/parse.js";

const state = (text: string) => parseText(reflect("NetState"), text) as NetState;
const isIn = (rules: string, of: string) =>
  filterNet(loadNet(`layer { ${rules} }`).message, state(of)).layer.length === 1;

describe("which layers a net state has", () => {
  const cases: readonly (readonly [rules: string, state: string, included: boolean])[] = [
    ["", "phase: TRAIN", true],
    ["include { phase: TRAIN }", "phase: TRAIN", true],
    ["include { phase: TRAIN }", "", false],
    ["include { phase: RUN }", "phase: TRAIN", false],
    ["include { phase: RUN } include { phase: TEST }", "phase: TEST", true],
    ["exclude { phase: RUN }", "phase: TEST", true],
    ["include { phase: TEST }", "", true],
    ["exclude { phase: TEST }", "phase: TEST", false],
    ["exclude { phase: TEST }", "phase: TRAIN", true],
    ["include { }", "phase: TRAIN", true],
    ["exclude { }", "phase: TRAIN", false],
    ["include { min_level: 2 }", "level: 1", false],
    ["include { min_level: 2 }", "level: 2", true],
    ["include { max_level: 2 }", "level: 3", false],
    ["include { min_level: -1 max_level: 2 }", "", true],
    ["include { stage: ['a', 'b'] }", "stage: 'a'", false],
    ["include { stage: ['a', 'b'] }", "stage: ['b', 'c', 'a']", true],
    ["include { stage: 'a' } include { stage: 'b' }", "stage: 'b'", true],
    ["include { stage: 'a' not_stage: 'b' }", "stage: ['a', 'b']", false],
    ["include { not_stage: 'b' }", "", true],
    ["exclude { stage: 'a' } exclude { phase: TRAIN }", "phase: TRAIN", false],
    ["include { phase: TRAIN stage: 'a' }", "phase: TRAIN", false],
    ["phase: TRAIN", "phase: TEST", true],
  ];
  for (const [rules, of, included] of cases)
    it(`${rules || "no rule"} ${included ? "is" : "is not"} in ${of || "the default state"}`, () =>
      expect(isIn(rules, of)).to.equal(included));

  it("is no question for a layer with both include and exclude", () => {
    expect(() => isIn("name: 'l' include { } exclude { }", ""))
      .to.throw(NetrunError, 'layer "l" has both include and exclude rules')
      .with.property("span");
  });

  it("gives a layer without a phase that of the state", () => {
    const net = loadNet("layer { } layer { phase: TRAIN }").message;
    const phases = filterNet(net, create("NetState", { phase: Phase.TEST })).layer.map(({ phase }) => phase);
    expect(phases).to.deep.equal([Phase.TEST, Phase.TRAIN]);
  });
});

describe("a rule and a state of 100,000 stages", () => {
  it("are compared in a time that grows with their number", () => {
    const stages = Array.from({ length: 100_000 }, (_, i) => `"s${i}"`).join();
    const before = process.cpuUsage();
    expect(
      isIn(`include { stage: [${stages}] not_stage: [${stages.replaceAll("s", "n")}] }`, `stage: [${stages}]`),
    ).to.equal(true);
    // A fifth of a second; compared one by one, more than a minute.
    expect(process.cpuUsage(before).user / 1e6).to.be.below(5);
  });
});

describe("merging states", () => {
  it("takes what a later one sets, and all stages", () => {
    const merged = mergeStates(state("phase: TRAIN level: 1 stage: 'a'"), null, state("level: 0 stage: 'b'"));
    expect([merged.phase, merged.level, merged.stage]).to.deep.equal([Phase.TRAIN, 0, ["a", "b"]]);
  });
});
