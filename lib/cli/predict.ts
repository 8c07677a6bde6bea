import { apiOf } from "../options/option.js";
import { predict } from "../tables/predict.js";
import type { PredictOptions } from "../tables/predictions.js";
import { writePredictions } from "../tables/write-predictions.js";
import type { CommandArgs } from "./commands/command.js";
import { PREDICT } from "./commands/tables.js";
import { report } from "./common.js";

/** Writes a table with a model's predictions. */
export async function run(args: CommandArgs<typeof PREDICT>): Promise<void> {
  await using predictions = await predict(apiOf(PREDICT, args) as PredictOptions);
  await writePredictions(args.output, predictions);
  const summary = predictions.summary();
  report(args, { path: args.output, ...summary }, () => {
    const { rows, failed, unseen, accuracy, rmse, mae } = summary;
    return [
      `${args.output}: ${rows} rows with ${predictions.added.slice(0, 4).join(", ")}${predictions.added.length > 4 ? ", ..." : ""}`,
      ...(failed > 0 ? [`${failed} rows cannot be used and have no prediction`] : []),
      ...Object.entries(unseen).map(
        ([column, cells]) => `${column}: ${cells} cells of categories that were not there to train on`,
      ),
      ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(4)}`]),
      ...(rmse === undefined
        ? []
        : [`root mean squared error ${rmse.toPrecision(6)}, mean absolute error ${mae!.toPrecision(6)}`]),
    ];
  });
}
