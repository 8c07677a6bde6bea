import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe } from "./description.js";
import type { StepNet } from "./nets.js";

/** A program that trains a net, a window of steps at a time. */
export interface Program {
  readonly name: string;
  readonly pid: number;
  /** Milliseconds of each of n steps. Rejects where the program ends. */
  steps(n: number): Promise<readonly number[]>;
  end(): void;
}

/** A program that is told how many steps to make by lines of its input. */
function started(name: string, command: string, args: readonly string[], first?: string): Program {
  const child: ChildProcess = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  if (first !== undefined) child.stdin!.write(`${first}\n`);
  return {
    name,
    pid: child.pid!,
    async steps(n) {
      child.stdin!.write(`${n}\n`);
      const { done, value } = await lines.next();
      if (done) throw new Error(`${name} ended: ${command} ${args.join(" ")}`);
      return (JSON.parse(value) as { ms: number[] }).ms;
    },
    end: () => child.stdin!.end(),
  };
}

const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** netrun, of this build or another's. */
export const netrun = (
  name: string,
  net: StepNet,
  threads: number,
  { portable = false, library }: { readonly portable?: boolean; readonly library?: string | undefined } = {},
): Program =>
  started(name, process.execPath, [
    beside("netrun.js"),
    net.name,
    "--threads",
    String(threads),
    ...(portable ? ["--portable"] : []),
    ...(library === undefined ? [] : ["--library", library]),
  ]);

/** PyTorch in a Python that has it. */
export const torch = (
  python: string,
  net: StepNet,
  threads: number,
  layout: "channels_last" | "contiguous",
  compiled: boolean,
): Program =>
  started(
    `torch ${layout}${compiled ? " compiled" : ""}`,
    python,
    ["bench/step/torch_step.py", String(threads), layout, ...(compiled ? ["compiled"] : [])],
    describe(net),
  );

/** Any program that takes a number of steps as its last argument and prints milliseconds of a step; {net}, {threads} are filled in. */
export function against(command: string, net: StepNet, threads: number): Program {
  const line = command.replaceAll("{net}", net.name).replaceAll("{threads}", String(threads));
  return {
    name: "against",
    pid: process.pid,
    steps: (n) =>
      new Promise((resolve, reject) => {
        const child = spawn("sh", ["-c", `${line} ${n}`], { stdio: ["ignore", "pipe", "inherit"] });
        let text = "";
        child.stdout.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        child.on("close", () => {
          const found = (text.match(/[\d.]+(?:e[+-]?\d+)?/gi) ?? []).map(Number);
          if (found.length > 0) resolve(found);
          else reject(new Error(`no milliseconds in what was printed by: ${line}`));
        });
      }),
    end: () => {},
  };
}
