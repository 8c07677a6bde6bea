import { homedir, platform } from "node:os";
import { join } from "node:path";

/**
 * The folder for what netrun can make again: NETRUN_CACHE, or `netrun` in the user's cache folder (XDG_CACHE_HOME,
 * ~/.cache; ~/Library/Caches on macOS; LOCALAPPDATA on Windows). In the user's, not the project's, so that every
 * project shares it and none has to ignore it.
 */
export function cacheFolder(): string {
  const { NETRUN_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (NETRUN_CACHE) return NETRUN_CACHE;
  if (platform() === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "netrun", "cache");
  if (platform() === "darwin") return join(homedir(), "Library", "Caches", "netrun");
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "netrun");
}
