import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** The files that are open, without pipes and sockets, which threads come and go with. */
export function openFiles(): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const file = readlinkSync(join("/proc/self/fd", fd));
      return file.startsWith("/") && !file.startsWith("/proc/") ? [file] : [];
    } catch {
      return []; // Closed since the folder was listed, as the one that listed it.
    }
  });
}
