import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { LiveRun } from "../../lib/dashboard/live-run.js";
import { type Dashboard, serveDashboard } from "../../lib/dashboard/server.js";
import { StoredRunView } from "../../lib/dashboard/stored-run.js";
import { StoredRuns } from "../../lib/dashboard/stored-runs.js";
import { runFiles } from "../../lib/runs/run-folder.js";
import { trainRun } from "../../lib/runs/train-run.js";
import { Solver } from "../../lib/train/solver.js";
import { failure } from "../support/failure.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";
import { writeRestless } from "../support/training.js";

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the answer once this is in it. */
  readonly until?: string;
  /** Called when the answer begins. */
  readonly begun?: () => void;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Asks by Node's own client: fetch does not let a program set Host and Origin. */
const ask = (url: string, { method = "GET", headers = {}, body = "", until, begun }: Asked = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (response) => {
      let text = "";
      const done = () => resolve({ status: response.statusCode!, headers: response.headers, text });
      response.setEncoding("latin1").on("data", (part: string) => {
        text += part;
        begun?.();
        if (until !== undefined && text.includes(until)) {
          done();
          asked.destroy();
        }
      });
      response.on("end", done);
    });
    asked.on("error", reject);
    asked.end(body);
  });

describe("the dashboard's server", () => {
  const folder = freshFolder();

  async function withRun(use: (dashboard: Dashboard, folder: string) => Promise<void>): Promise<void> {
    const runs = join(folder(), "runs");
    const solver = writeRestless(folder(), "max_iter: 5");
    for await (const _ of trainRun({ run: "a", runs, solver, statistics: 2 }));
    await using dashboard = await serveDashboard([new StoredRunView(join(runs, "a"), "0")]);
    await use(dashboard, join(runs, "a"));
  }

  it("refuses who does not have the token, another Host, another Origin and another site", async () => {
    await withRun(async ({ url }) => {
      const { port, origin } = new URL(url);
      const statusOf = async (at: string, asked?: Asked) => (await ask(at, asked)).status;
      expect(await statusOf(url)).to.equal(200);
      expect(await statusOf(url, { headers: { host: `localhost:${port}` } })).to.equal(200);
      expect(await statusOf(`${origin}/`)).to.equal(403);
      expect(await statusOf(`${origin}/${"x".repeat(24)}/`)).to.equal(403);
      // A name that its owner has resolve to 127.0.0.1, as in DNS rebinding.
      expect(await statusOf(url, { headers: { host: `evil.example:${port}` } })).to.equal(403);
      expect(await statusOf(url, { headers: { origin: "http://evil.example" } })).to.equal(403);
      expect(await statusOf(url, { headers: { "sec-fetch-site": "cross-site" } })).to.equal(403);
      const body = '{"action":"stop"}';
      expect(await statusOf(`${url}control/0`, { method: "POST", body })).to.equal(403);
      expect(await statusOf(`${url}../../package.json`)).to.equal(403);
      expect(await statusOf(`${url}app/../../../package.json`)).to.be.oneOf([403, 404]);
      expect(await statusOf(`${url}run.json`)).to.equal(404);
    });
  });

  it("serves the page and all that it needs itself, and lets nothing in from elsewhere", async () => {
    await withRun(async ({ url }) => {
      const { text, headers } = await ask(url);
      expect(headers["content-security-policy"]).to.match(/^default-src 'self';/);
      expect(headers["referrer-policy"]).to.equal("no-referrer");
      const linked = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
      expect(linked).to.include.members(["echarts.js", "style.css", "app/dashboard/page/main.js"]);
      for (const path of linked.filter((each) => !each.startsWith("data:")))
        expect((await ask(`${url}${path}`)).status, path).to.equal(200);
      const script = await ask(`${url}app/dashboard/page/main.js`);
      const imported = [...script.text.matchAll(/from "\.\/([^"]+)"/g)].map(([, path]) => path!);
      for (const path of imported) expect((await ask(`${url}app/dashboard/page/${path}`)).status, path).to.equal(200);
      expect((await ask(`${url}app/runs/digest.js`)).status).to.equal(200);
    });
  });

  it("streams a run as it is, draws its net and shows its filters", async () => {
    await withRun(async ({ url }) => {
      const { text } = await ask(`${url}stream`, { until: "\n\n" });
      const [, data] = /event: runs\ndata: (.*)\n\n/.exec(text)!;
      const [run] = JSON.parse(data!);
      expect(run).to.deep.include({ id: "0", name: "a", status: "done", takesControls: true });
      expect(run.settings).to.deep.include({ base_lr: 0.05, type: "SGD", batch_size: 24 });
      expect(run.digest.series["ratio/conv[0]"].at).to.deep.equal([0, 2, 4]);
      expect((await ask(`${url}drawing/0`)).text).to.match(/<svg.*conv/s);
      expect((await ask(`${url}filters/0`)).text).to.match(/^\x89PNG/);
      expect((await ask(`${url}drawing/1`)).status).to.equal(404);
    });
  });

  it("shows runs that come while the page is open, and warns of a damaged one", async () => {
    const runs = join(folder(), "coming");
    const solver = writeRestless(folder(), "max_iter: 2");
    for await (const _ of trainRun({ run: "run-9", runs, solver }));
    const warnings: string[] = [];
    const source = new StoredRuns([runs], ({ message }) => warnings.push(message));
    await using dashboard = await serveDashboard(source);
    let stream: Promise<Answer> | undefined;
    await new Promise<void>((begun) => {
      stream = ask(`${dashboard.url}stream`, { until: '"name":"run-10"', begun });
    });
    for await (const _ of trainRun({ run: "run-10", runs, solver }));
    const { text } = await stream!;
    expect(text).to.match(/^retry: 500\nevent: runs\ndata: \[{"id":"0","name":"run-9",/);
    expect(text).to.match(/event: added\ndata: \[{"id":"1","name":"run-10",/);
    mkdirSync(join(runs, "run-11"));
    writeFileSync(runFiles(join(runs, "run-11")).info, "{");
    expect([source.look(), source.look()]).to.deep.equal([[], []]);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.match(/^damaged: /);
    expect(() => new StoredRuns([runs])).to.throw("damaged");
  });

  it("refuses to control a run that does not train, and damaged images and controls", async () => {
    await withRun(async ({ url }) => {
      const headers = { origin: new URL(url).origin };
      const post = (path: string, body: string) => ask(`${url}${path}`, { method: "POST", headers, body });
      expect(await post("control/0", '{"action":"stop"}')).to.deep.include({
        status: 422,
        text: "this run does not train now",
      });
      expect((await post("control/0", '{"action":"rate","factor":7}')).status).to.equal(422);
      expect((await post("activations/0", "no image")).status).to.equal(422);
    });
  });

  it("controls a run that trains in another process, through the run's folder", async () => {
    const runs = join(folder(), "runs");
    const solver = writeRestless(folder(), "max_iter: 1000000 snapshot_after_train: true");
    const flags = ["--run", "other", "--runs", runs, "--test-interval", "100000", "--quiet"];
    const child = spawn(process.execPath, [join(root, "bin/netrun.js"), "train", solver, ...flags]);
    const ended = once(child, "close");
    try {
      const at = join(runs, "other");
      for (let i = 0; i < 300 && !existsSync(runFiles(at).events); i++) await setTimeout(100);
      const view = new StoredRunView(at, "0");
      await using dashboard = await serveDashboard([view]);
      const { url } = dashboard;
      const send = (body: string) =>
        ask(`${url}control/0`, { method: "POST", headers: { origin: new URL(url).origin }, body });
      expect((await send('{"action":"rate","factor":0.1}')).status).to.equal(200);
      expect((await send('{"action":"snapshot"}')).status).to.equal(200);
      expect((await send('{"action":"stop"}')).status).to.equal(200);
      expect((await ended)[0]).to.equal(0);
      view.poll();
      expect(view.status).to.equal("stopped");
      expect(view.digest.notes.map(({ text }) => text)).to.include.members([
        "dashboard asks: rate times 0.1",
        "dashboard asks: snapshot",
        "dashboard asks: stop",
        "stopped (asked)",
      ]);
      expect(view.digest.snapshots.length).to.be.at.least(1);
      expect(existsSync(join(at, "control"))).to.equal(false);
      expect((await send('{"action":"stop"}')).text).to.equal("this run does not train now");
    } finally {
      child.kill("SIGKILL");
    }
  }).timeout(60_000);

  it("gives a training what the page asks for as its next action", async () => {
    await using solver = await Solver.load(writeRestless(folder(), "max_iter: 5"));
    const live = new LiveRun("live", solver);
    await using dashboard = await serveDashboard([live]);
    const { url } = dashboard;
    const asked = { method: "POST", headers: { origin: new URL(url).origin }, body: '{"action":"rate","factor":0.1}' };
    expect((await ask(`${url}control/live`, asked)).status).to.equal(200);
    expect(live.action()).to.deep.equal({ action: "rate", factor: 0.1, from: "dashboard" });
    expect(live.action()).to.equal("none");
  });

  it("says that its port is taken, and that a path is no run", async () => {
    await using dashboard = await serveDashboard([]);
    await failure(serveDashboard([], Number(new URL(dashboard.url).port)), "no dashboard: listen EADDRINUSE");
    expect(() => new StoredRunView(join(folder(), "none"), "0")).to.throw("no such run or log");
  });
});
