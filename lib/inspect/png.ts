import { spawn } from "node:child_process";
import { once } from "node:events";
import { buffer, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { NetrunError } from "../error.js";

/**
 * A picture of netrun's own as PNG, at twice its size, with the fonts of this machine. Drawn in a process of its own: where images are
 * decoded, SVG is refused for the whole process, since libvips renders what a stranger's drawing asks for. Throws NetrunError.
 */
export async function pngOfSvg(svg: string): Promise<Buffer> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("png-child.js", import.meta.url))]);
  const closed = once(child, "close");
  // A child that ends early has its reason in what it wrote.
  child.stdin.on("error", () => {});
  child.stdin.end(svg);
  const [png, said] = await Promise.all([buffer(child.stdout), text(child.stderr), closed]);
  if (child.exitCode === 0) return png;
  throw new NetrunError(`the picture is not drawn: ${said.trim().split("\n").at(-1) || child.signalCode}`);
}
