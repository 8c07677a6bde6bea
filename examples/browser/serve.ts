/**
 * Serves the page with a converted model: `npm run example:browser -- model.onnx [labels.txt] [--port 8080]`.
 * On this machine alone (127.0.0.1).
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

// From dist/examples/browser.
const root = new URL("../../../", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Folder where the page's own files are in the project. */
const FILES: Readonly<Record<string, string>> = {
  "/": "examples/browser/index.html",
  "/style.css": "examples/browser/style.css",
  ...Object.fromEntries(
    ["image", "metadata", "model", "page"].map((name) => [`/${name}.js`, `dist/examples/browser/${name}.js`]),
  ),
  "/netrun.js": "dist/browser/netrun.js",
  "/protobuf.js": "node_modules/protobufjs/dist/minimal/protobuf.min.js",
  ...Object.fromEntries(
    ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"].map((name) => [
      `/ort/${name}`,
      `node_modules/onnxruntime-web/dist/${name}`,
    ]),
  ),
};

/** A running server and its address. */
export interface Serving extends AsyncDisposable {
  readonly url: string;
}

/** Serves the page for a model file and, if given, a file with the name of a class a line. Port 0 takes a free one. */
export async function serve(model: string, labels?: string, port = 0): Promise<Serving> {
  const names =
    labels === undefined
      ? []
      : readFileSync(labels, "utf8")
          .split(/\r?\n/)
          .filter((line) => line !== "");
  const bytes = await readFile(model);
  const config = JSON.stringify({ name: basename(model), labels: names });
  const bodyOf = async (path: string) => {
    if (path === "/model.onnx") return bytes;
    if (path === "/config.json") return config;
    // Files by their whole names alone: a path that leads elsewhere is the name of none.
    const file = FILES[path];
    return file === undefined ? undefined : await readFile(new URL(file, root));
  };
  const server = createServer(async ({ url = "/", method, headers }, response) => {
    try {
      if (!isLocal(headers.host)) return void response.writeHead(403).end("this page is for this machine alone");
      if (method !== "GET" && method !== "HEAD") return void response.writeHead(405, { allow: "GET, HEAD" }).end();
      const pathname = pathOf(url);
      if (pathname === undefined) return void response.writeHead(400).end("the path is not percent-encoded text");
      const body = await bodyOf(pathname);
      if (body === undefined) return void response.writeHead(404).end(`no ${pathname} here`);
      response.writeHead(200, {
        "content-type": TYPES[extname(FILES[pathname] ?? pathname)] ?? "application/octet-stream",
        "cache-control": "no-store",
        // What a page needs to be given threads.
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      });
      response.end(body);
    } catch (error) {
      response.writeHead(500).end((error as Error).message);
    }
  });
  await listening(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/**
 * Tests whether a Host header names this machine: a page of another site may have its own name resolve to 127.0.0.1, and would read the
 * model through its visitor's browser.
 */
const isLocal = (host: string | undefined) => /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host ?? "");

/** The decoded path of a request, or undefined if it is malformed. Not by `URL`, for which `//` is a host that is missing. */
function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(url.replace(/[?#].*$/s, ""));
  } catch {
    return undefined;
  }
}

const listening = (server: Server, port: number) =>
  new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", done);
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { port: { type: "string" } } });
  const [model, labels] = positionals;
  if (model === undefined) {
    console.error("usage: npm run example:browser -- model.onnx [labels.txt] [--port 8080]");
    process.exit(1);
  }
  try {
    const { url } = await serve(model, labels, Number(values.port ?? 8080));
    console.log(`${basename(model)} on ${url}`);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
