import { run } from "../../lib/cli/main.js";

/** Result of a command line run in this process. */
export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process, with what it writes caught. */
export async function cli(...args: readonly string[]): Promise<CliResult> {
  const caught = { stdout: "", stderr: "" };
  const restore = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const { write } = stream;
    stream.write = ((text: string) => {
      caught[name] += text;
      return true;
    }) as typeof write;
    return () => {
      stream.write = write;
    };
  });
  try {
    const status = await run(args);
    return { status, ...caught };
  } finally {
    for (const each of restore) each();
  }
}
