import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./shared.js";

/** Programs of an empty folder know nothing of the project's own settings. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(config_ignore|lifecycle|package)/.test(name)),
);

/** Result of a program that ran in a folder. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in a folder, as a user does who has no project of netrun's around. */
export function runIn(folder: string, command: string, ...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8", env });
  return { status, stdout, stderr };
}

/** Packs netrun into a folder, and returns the tarball's path. Without prepack, which builds what is built here already, and the jar, which needs Java. */
export function packNetrun(folder: string): string {
  execFileSync(process.execPath, [join(root, "browser/bundle.mjs")]);
  const packed = runIn(root, "npm", "pack", "--ignore-scripts", "--json", "--pack-destination", folder);
  if (packed.status !== 0) throw new Error(packed.stderr);
  return join(folder, readdirSync(folder).find((each) => each.endsWith(".tgz"))!);
}

/** Installs a tarball in a new folder, with some flags of npm's. */
export function installIn(folder: string, tarball: string, ...flags: readonly string[]): Ran {
  mkdirSync(folder, { recursive: true });
  return runIn(folder, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...flags, tarball);
}
