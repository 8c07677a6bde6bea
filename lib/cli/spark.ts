import { packForSpark } from "../engine/spark/pack.js";
import type { CommandArgs } from "./commands/command.js";
import type { SPARK } from "./commands/spark.js";
import { report } from "./common.js";

/** Does what has to be done once for a Spark cluster. */
export async function run(args: CommandArgs<typeof SPARK>): Promise<void> {
  const pack = await packForSpark(args.output);
  const { path, bytes, packages, node } = pack;
  report(args, pack, () => [
    `${path}: ${Math.round(bytes / 2 ** 20)} MB, Node ${node}, netrun and ${packages} packages`,
    `unpacked in an empty folder it trains; executors get it by --archives ${path}#netrun`,
  ]);
}
