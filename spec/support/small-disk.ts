import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Mounts a file system of `size` (64k, say) in a folder; undefined where that is not allowed: only root can make one. */
export function smallDisk(folder: string, size: string): (Disposable & { readonly path: string }) | undefined {
  const path = join(folder, "disk");
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return { path, [Symbol.dispose]: () => execFileSync("umount", ["-l", path]) };
}
