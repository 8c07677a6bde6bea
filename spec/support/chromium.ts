import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Debian's Chromium, or the one that CHROMIUM names; where CHROMIUM names one it has to be there. */
export function chromiumPath(): string | undefined {
  const named = process.env["CHROMIUM"];
  const path = named ?? "/usr/bin/chromium";
  if (existsSync(path)) return path;
  if (named !== undefined) throw new Error(`CHROMIUM is ${named}, which is not there`);
  return undefined;
}

/** A headless Chromium that talks to nobody on its own. */
export const launchChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
