import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { serve } from "../../examples/browser/serve.js";
import { freshFolder } from "../support/folder.js";

/** The status of a request as it is written: fetch would mend its path and its Host. */
function statusOf(url: string, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers, method, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    sent.on("error", reject).end();
  });
}

/** Answer to bytes that need not be HTTP. */
function answerTo(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.end(bytes));
    socket.on("data", (data) => {
      answer += data;
    });
    socket.on("error", reject).on("close", () => resolve(answer));
  });
}

describe("the example's server", () => {
  const folder = freshFolder();

  async function served(use: (url: string) => Promise<void>): Promise<void> {
    const model = join(folder(), "net.onnx");
    writeFileSync(model, "a model");
    await using server = await serve(model);
    await use(server.url);
    // Still there, whatever it was asked for.
    expect(await (await fetch(`${server.url}model.onnx`)).text()).to.equal("a model");
  }

  it("answers 404 for paths that name no file, // and ways out of the folder among them", () =>
    served(async (url) => {
      const ways = [
        "//",
        "///",
        "//evil.example/",
        "/../package.json",
        "/%2e%2e/package.json",
        "/ort/../../package.json",
      ];
      for (const path of [...ways, "/..%5c..%5cpackage.json", "/constructor", "/nothing?x=//", "http://[", "*"])
        expect(await statusOf(url, path), path).to.equal(404);
    }));

  it("answers 400 for malformed percent-encoding", () =>
    served(async (url) => {
      for (const path of ["/%", "/%zz", "/%c0%ae", "/model.onnx%"])
        expect(await statusOf(url, path), path).to.equal(400);
    }));

  it("answers 400 for what is not HTTP", () =>
    served(async (url) => {
      expect(await answerTo(url, "GET\r\n\r\n")).to.match(/^HTTP\/1.1 400 /);
    }));

  it("answers 403 where Host names another machine, as a rebound DNS name does", () =>
    served(async (url) => {
      const { port } = new URL(url);
      for (const host of [
        "evil.example",
        `evil.example:${port}`,
        `127.0.0.1.evil.example:${port}`,
        "[::1]",
        "localhost@x",
      ])
        expect(await statusOf(url, "/model.onnx", { host }), host).to.equal(403);
      for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, "localhost"])
        expect(await statusOf(url, "/model.onnx", { host }), host).to.equal(200);
    }));

  it("answers 405 for other methods than GET and HEAD", () =>
    served(async (url) => {
      expect(await statusOf(url, "/model.onnx", {}, "POST")).to.equal(405);
      expect(await statusOf(url, "/model.onnx", {}, "HEAD")).to.equal(200);
    }));

  it("serves the page and its query", () =>
    served(async (url) => {
      const page = await fetch(`${url}?now`);
      expect([page.status, page.headers.get("content-type")]).to.deep.equal([200, "text/html; charset=utf-8"]);
    }));
});
