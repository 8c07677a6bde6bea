import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { NetrunError } from "../error.js";
import { pngOf } from "../data/image/png.js";
import { tiles } from "../runs/filters.js";
import type { Control } from "../train/requests.js";
import { fixedRuns, type RunSource, type RunView, type ShownBlob } from "./run-view.js";
import { Streams } from "./streams.js";

/** A dashboard that is served. */
export interface Dashboard extends AsyncDisposable {
  /** Its address, with the token that it takes to see it. */
  readonly url: string;
  /** Ends the streams of open pages, which connect again. */
  disconnect(): void;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
};

/** Headers of every answer: nothing from elsewhere, in nobody's frame, and the address with its token goes to nobody. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const MOST_CONTROL_BYTES = 10_000;
const MOST_IMAGE_BYTES = 64 * 2 ** 20;

/**
 * Serves a page that shows runs, to this machine alone. The address has a random token; requests whose Host is another name, or whose Origin
 * is another page, are refused, so that no other site can reach it through its visitor's browser. Port 0 takes a free one.
 * Runs that come later are shown too, where their source finds some. Throws NetrunError where the port is taken. The runs are disposed with it.
 */
export async function serveDashboard(shown: readonly RunView[] | RunSource, port = 0): Promise<Dashboard> {
  const runs = "look" in shown ? shown : fixedRuns(shown);
  const token = randomBytes(18).toString("base64url");
  const streams = new Streams(runs);
  const files = await pageFiles();
  const server = createServer(async (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    try {
      const { port: own } = server.address() as AddressInfo;
      const path = pathFor(request, own, token);
      if (typeof path === "number") return void response.writeHead(path).end(REFUSALS[path]);
      await answer(path, request, response, { runs, streams, files });
    } catch (error) {
      const isKnown = error instanceof NetrunError;
      if (!response.headersSent)
        response.writeHead(isKnown ? 422 : 500, { "content-type": "text/plain; charset=utf-8" });
      response.end((error as Error).message);
    }
  });
  await new Promise<void>((done, failed) => {
    server.once("error", (cause) => failed(new NetrunError(`no dashboard: ${cause.message}`, { cause })));
    server.listen(port, "127.0.0.1", done);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${token}/`,
    disconnect: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      streams.end();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await runs[Symbol.asyncDispose]();
    },
  };
}

const REFUSALS: Readonly<Record<number, string>> = {
  403: "this page is for this machine alone, by the address that netrun printed",
  404: "there is nothing here",
  405: "another method is needed",
};

/** The path after the token, or the status of a refusal. */
function pathFor({ url = "/", method, headers }: IncomingMessage, port: number, token: string): string | 403 | 405 {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(headers.host ?? "")) return 403;
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) return 403;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return 403;
  const [, given = "", path] = /^\/([^/?#]+)\/([^?#]*)/.exec(url) ?? [];
  const isToken = given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));
  if (!isToken || path === undefined) return 403;
  if (method === "POST" && headers.origin === undefined) return 403;
  return method === "GET" || method === "POST" ? path : 405;
}

interface Shown {
  readonly runs: RunSource;
  readonly streams: Streams;
  readonly files: ReadonlyMap<string, URL>;
}

async function answer(path: string, request: IncomingMessage, response: ServerResponse, shown: Shown): Promise<void> {
  const send = (body: string | Buffer | undefined, type: string) => {
    if (body === undefined) return void response.writeHead(404).end(REFUSALS[404]);
    response.writeHead(200, { "content-type": TYPES[type] ?? "application/octet-stream" });
    response.end(body);
  };
  const isPost = request.method === "POST";
  const [what, id] = path.split("/") as [string, string | undefined];
  const run = shown.runs.runs.find((each) => each.id === id);
  const isTaking = what === "control" || what === "activations";
  if (isPost !== isTaking) return void response.writeHead(405).end(REFUSALS[405]);
  if (path === "stream") return shown.streams.open(response);
  if (run && what === "drawing") return send(await run.drawing(), ".svg");
  if (run && what === "filters") return send(await run.filters(), ".png");
  if (run && what === "activations") {
    const blobs = await run.activations(await bodyOf(request, MOST_IMAGE_BYTES));
    return send(blobs && JSON.stringify(await Promise.all(blobs.map(shownBlob))), ".json");
  }
  if (run && what === "control") {
    const control = controlOf(JSON.parse((await bodyOf(request, MOST_CONTROL_BYTES)).toString("utf8")));
    if (!run.description.takesControls || run.status !== "running")
      throw new NetrunError("this run does not train now");
    run.control(control);
    return send("{}", ".json");
  }
  // Files by their whole names alone: a path that leads elsewhere is the name of none.
  const file = shown.files.get(path);
  send(file && readFileSync(file), extname(file?.pathname ?? ""));
}

/** A control by its message. Throws NetrunError for another one. */
function controlOf(message: unknown): Control {
  const { action, factor } = (message ?? {}) as Partial<Record<keyof Control, unknown>>;
  const from = "dashboard";
  if (action === "stop" || action === "snapshot") return { action, from };
  if (action === "rate" && typeof factor === "number" && factor > 0 && factor < 1) return { action, factor, from };
  throw new NetrunError("no control: give stop, snapshot, or rate with a factor between 0 and 1");
}

const MOST_VALUES = 1000;

/** A blob for the page: a picture where it has planes, else its values. */
async function shownBlob({ name, shape, values }: ShownBlob) {
  const [, channels = 1, height = 1, width = 1] = shape;
  if (shape.length !== 4 || height * width === 1) return { name, shape, values: [...values.subarray(0, MOST_VALUES)] };
  const pixels = tiles(values, channels === 3 ? [1, channels, height, width] : [channels, 1, height, width]);
  const zoom = Math.max(1, Math.floor(320 / Math.max(pixels.width, pixels.height)));
  return { name, shape, png: (await pngOf(pixels, zoom)).toString("base64") };
}

/** The body of a request. Throws NetrunError for one of too many bytes. */
async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > most) throw new NetrunError(`more than ${most} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The page's files by their paths in its address: text as it is in the sources, code as it is compiled. */
async function pageFiles(): Promise<ReadonlyMap<string, URL>> {
  // From dist/lib/dashboard up to the package.
  const root = new URL("../../../", import.meta.url);
  const source = new URL("lib/dashboard/page/", root);
  const code = new URL("dist/page/", root);
  const names = (await readdir(code, { recursive: true })).filter((name) => name.endsWith(".js"));
  const echarts = createRequire(import.meta.url).resolve("echarts/dist/echarts.min.js");
  return new Map([
    ["", new URL("index.html", source)],
    ["style.css", new URL("style.css", source)],
    ["echarts.js", new URL(`file://${echarts}`)],
    ...names.map((name) => [`app/${name.replaceAll("\\", "/")}`, new URL(name.replaceAll("\\", "/"), code)] as const),
  ]);
}

/** The folder of the page's sources, for specs. */
export const pageFolder = (): string => fileURLToPath(new URL("../../../lib/dashboard/page/", import.meta.url));
