/** Settings that a solver's text is made of. */
export interface CourseText {
  readonly comment: string;
  readonly rows: number;
  readonly batchSize: number;
  readonly epochs?: number | undefined;
  readonly hasTest: boolean;
  readonly seed: number;
  /** Lines of the rule: its type, rates and decay. */
  readonly rule: string;
}

/** Iterations of a training that says nothing of epochs, if ten passes are fewer. */
const LEAST = 2000;
const EPOCHS = 10;
/** Tests of a training. */
const TESTS = 10;

/** H2O's rule: ADADELTA with its rho and epsilon, which are Caffe's momentum and delta. */
export const adaDelta = ({
  l1 = 0,
  l2 = 0,
}: {
  readonly l1?: number | undefined;
  readonly l2?: number | undefined;
} = {}): string => {
  const both = l1 > 0 && l2 > 0 ? `\nl1_decay: ${l1}` : "";
  const decay =
    l2 > 0 ? `\nweight_decay: ${l2}${both}` : l1 > 0 ? `\nweight_decay: ${l1}\nregularization_type: "L1"` : "";
  return `# ADADELTA: momentum is its rho, delta its epsilon.
type: "AdaDelta"
base_lr: 1
lr_policy: "fixed"
momentum: 0.99
delta: 1e-8${decay}`;
};

/** Iterations that so many rows are trained for. */
export function iterationsOf({ rows, batchSize, epochs }: Pick<CourseText, "rows" | "batchSize" | "epochs">): number {
  const ofEpochs = (passes: number) => Math.max(1, Math.ceil((passes * rows) / batchSize));
  return epochs === undefined ? Math.max(LEAST, ofEpochs(EPOCHS)) : ofEpochs(epochs);
}

/** A solver of train_test.prototxt; snapshots are beside it. */
export function solverText(course: CourseText): string {
  const iterations = iterationsOf(course);
  const interval = Math.max(1, Math.round(iterations / TESTS));
  const passes = ((iterations * course.batchSize) / course.rows).toPrecision(3);
  const tests = course.hasTest
    ? `# All held-out rows are a test.\ntest_iter: 0\ntest_interval: ${interval}\ntest_initialization: false\n`
    : "";
  return `# ${course.comment}
net: "train_test.prototxt"
${tests}${course.rule}
display: ${Math.max(1, Math.round(interval / 2))}
# ${Number(passes)} passes over ${course.rows} rows.
max_iter: ${iterations}
random_seed: ${course.seed}
`;
}
