import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { LogFile } from "../../lib/runs/log-files.js";
import { readLog } from "../../lib/runs/plot/logs.js";
import { resumeCommand, testFlags } from "../../lib/cli/resume-command.js";
import { NetrunError } from "../../lib/error.js";
import { ownName } from "../../lib/owner.js";
import { memoryFolder, newScratchFolder, sweepScratch } from "../../lib/scratch.js";
import { CSV_HEADER } from "../../lib/train/event-log.js";
import { freshFolder } from "../support/folder.js";
import { root } from "../support/shared.js";
import { writeRestless } from "../support/training.js";

const PROGRAM = join(root, "bin", "netrun.js");

/** Starts the program; `stdio` as for spawn. What it prints, and its status, when it is over. */
function start(args: readonly string[], out: "pipe" | number = "pipe") {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", out, "pipe"] });
  const printed = { out: "", err: "" };
  child.stdout?.on("data", (text) => {
    printed.out += text;
  });
  child.stderr!.on("data", (text) => {
    printed.err += text;
  });
  return { child, printed, over: once(child, "close").then(([status]) => ({ ...printed, status: status as number })) };
}

describe("netrun train, when the disk or a signal interrupts it", () => {
  const folder = freshFolder();
  const file = (name: string) => join(folder(), name);

  it("continues if logs are on a full disk, and reports each once", async function () {
    if (!existsSync("/dev/full")) this.skip();
    const solver = writeRestless(folder(), "max_iter: 4");
    const { err, status } = await start(["train", solver, "--log-json", "/dev/full", "--log-csv", "/dev/full"]).over;
    expect(status).to.equal(0);
    expect(err.match(/cannot write the log for now, training goes on/g)).to.have.length(2);
    expect(err).to.match(/the log ends early: \d+ lines could not be written/);
    expect(existsSync(file("snap_iter_4.solverstate"))).to.equal(true);
  });

  it("continues if its output goes to a full disk, and reports it once", async function () {
    if (!existsSync("/dev/full")) this.skip();
    const solver = writeRestless(folder(), "max_iter: 4");
    const { err, status } = await start(["train", solver], openSync("/dev/full", "w")).over;
    expect(status).to.equal(0);
    expect(err.match(/cannot print at the moment, training continues/g)).to.have.length(1);
    expect(existsSync(file("snap_iter_4.solverstate"))).to.equal(true);
  });

  it("says at once that a log is where no file can be, and does not hang", async () => {
    const solver = writeRestless(folder(), "max_iter: 4");
    const { err, status } = await start(["train", solver, "--log-json", "/proc/x/y"]).over;
    expect([status, err.split("\n")[0]]).to.deep.equal([
      1,
      "/proc/x/y: cannot write the log: ENOENT: no such file or directory, mkdir '/proc/x'",
    ]);
  }).timeout(20_000);

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`stops with a snapshot on ${signal}, and the printed command resumes to the same result`, async () => {
      const straight = file("straight run");
      const stopped = file("stopped run");
      for (const each of [straight, stopped]) mkdirSync(each);
      const solverIn = (where: string) => writeRestless(where, "max_iter: 300", "test_iter: 2 test_interval: 100");
      expect((await start(["train", solverIn(straight)]).over).status).to.equal(0);
      const run = start(["train", solverIn(stopped)]);
      while (!run.printed.out.includes("Iteration 20,") && !run.printed.out.includes("Iteration 20 ("))
        await once(run.child.stdout!, "data");
      run.child.kill(signal);
      const { out, status } = await run.over;
      expect(status).to.equal(0);
      expect(out).to.contain("Optimization stopped early");
      const command = out.trim().split("\n").at(-1)!.trim();
      expect(command)
        .to.match(/-snapshot '.*stopped run\/snap_iter_\d+\.solverstate'$/)
        .and.not.contain("-max");
      execFileSync("sh", ["-c", command], { cwd: process.cwd(), stdio: "ignore" });
      const end = "snap_iter_300.caffemodel";
      expect(readFileSync(join(stopped, end)).equals(readFileSync(join(straight, end)))).to.equal(true);
    }).timeout(120_000);
  }

  it("deletes what a killed run left: half a snapshot, its lock and folders in memory", async () => {
    const solver = writeRestless(folder(), "max_iter: 100000");
    const run = start(["train", solver]);
    while (!run.printed.out.includes("Iteration 5 ")) await once(run.child.stdout!, "data");
    run.child.kill("SIGKILL");
    await run.over;
    const owner = readFileSync(file("snap.netrunlock"), "utf8");
    expect(owner).to.match(new RegExp(`^${run.child.pid}-`));
    // What it leaves where it is killed at a worse time.
    const places = [...new Set([memoryFolder(), tmpdir()])];
    for (const place of places) mkdirSync(join(place, `netrun-exchange-${owner}-abcdef`));
    const left = () => places.flatMap((place) => readdirSync(place).filter((name) => name.includes(owner)));
    writeFileSync(file(`snap_iter_9.caffemodel.${owner}.0.tmp`), "half");
    const next = await start(["train", solver, "--max-iter", "1"]).over;
    expect(next.status, next.err).to.equal(0);
    expect(left()).to.deep.equal([]);
    expect(readdirSync(folder()).filter((name) => /tmp$|lock$/.test(name))).to.deep.equal([]);
  }).timeout(120_000);
});

describe("log files", () => {
  const folder = freshFolder();

  it("have every line whole and in order after a time without room", async function () {
    // A file system of 64 KiB, which only root can make.
    const mount = join(folder(), "full");
    mkdirSync(mount);
    const isMounted = await new Promise<boolean>((done) => {
      execFile("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", mount], (error) => done(error === null));
    });
    if (!isMounted) this.skip();
    try {
      const path = join(mount, "run.json");
      const hog = join(mount, "hog");
      const warnings: string[] = [];
      const log = new LogFile(path, ({ message }) => warnings.push(message));
      const line = (i: number) => `${String(i).padStart(199, "0")}\n`;
      log.write(line(0));
      // The room that is left ends in the middle of a line.
      writeFileSync(hog, Buffer.alloc(32 * 1024));
      for (let i = 1; i < 250; i++) log.write(line(i));
      expect(warnings).to.have.length(1);
      execFileSync("rm", [hog]);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      log.write(line(250));
      log.close();
      expect(warnings).to.have.length(1);
      expect(readFileSync(path, "utf8")).to.equal(Array.from({ length: 251 }, (_, i) => line(i)).join(""));
    } finally {
      execFileSync("umount", [mount]);
    }
  });

  it("keep the lines of the run that is resumed, but for one that was cut off, and are plotted as one run", () => {
    const path = join(folder(), "run.csv");
    const row = (seconds: number, iteration: number, loss: number) =>
      `${seconds},${iteration},train,0,smoothed_loss,${loss}\n`;
    const first = CSV_HEADER + row(1, 1, 5) + row(2, 2, 4) + row(3, 3, 3);
    writeFileSync(path, `${first}4,4,tra`);
    const log = new LogFile(path, () => {}, true);
    expect(log.isNew).to.equal(false);
    log.write(row(0.5, 2, 4.5) + row(1, 3, 2.5));
    log.close();
    expect(readFileSync(path, "utf8")).to.equal(first + row(0.5, 2, 4.5) + row(1, 3, 2.5));
    expect(readLog(path).series.get("train loss")).to.deep.equal([
      { iteration: 1, seconds: 1, value: 5 },
      { iteration: 2, seconds: 3.5, value: 4.5 },
      { iteration: 3, seconds: 4, value: 2.5 },
    ]);
    const other = new LogFile(join(folder(), "new.csv"), () => {}, true);
    expect(other.isNew).to.equal(true);
    other.close();
  });

  it("are refused where nothing reads a pipe, in place of waiting for a reader", () => {
    const pipe = join(folder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    expect(() => new LogFile(pipe, () => {})).to.throw("cannot write the log: ENXIO");
  });
});

describe("scratch folders", () => {
  it("of a dead process are deleted, of a live one kept", () => {
    const own = newScratchFolder("spec");
    const child = execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }).trim();
    const dead = own.replace(ownName(), ownName().replace(/^\d+/, child));
    mkdirSync(join(dead, "inside"), { recursive: true });
    sweepScratch();
    expect([existsSync(own), existsSync(dead)]).to.deep.equal([true, false]);
    execFileSync("rmdir", [own]);
  });
});

describe("temporary files", () => {
  const folder = freshFolder();

  it("have their folder's error where none can be made", () => {
    const place = join(folder(), "missing");
    expect(() => newScratchFolder("spec", place)).to.throw(NetrunError, "has no room for temporary files: ENOENT");
  });

  it("go into no memory that has little room: containers have 64 MB of it", function () {
    // A file system in memory of 4 KiB in place of the system's, which only root can mount, for a process of its own.
    const script = `mount -t tmpfs -o size=4k tmpfs /dev/shm || exit 77
      exec ${process.execPath} ${PROGRAM} train ${writeRestless(folder(), "max_iter: 2")} --workers 2 --isolation process`;
    const { status, stderr } = spawnSync("unshare", ["-m", "sh", "-c", script], { encoding: "utf8" });
    if (status === null || status === 77 || /unshare|mount/.test(stderr)) this.skip();
    expect([status, stderr]).to.deep.equal([0, ""]);
    expect(existsSync(join(folder(), "snap_iter_2.solverstate"))).to.equal(true);
  }).timeout(30_000);
});

describe("the printed command that resumes a training", () => {
  const end = { state: "my snaps/s_iter_5.solverstate", iteration: 5 };
  const argv = ["train", "it's.prototxt", "-weights", "a.caffemodel", "--max-iter=9", "-snapshot_prefix", "s"];

  it("ends at the same iteration as the stopped run", () => {
    expect(resumeCommand(argv, { ...end, stopped: "asked" })).to.equal(
      `train 'it'\\''s.prototxt' --max-iter=9 -snapshot_prefix s -snapshot 'my snaps/s_iter_5.solverstate'`,
    );
  });

  it("has each flag once, in any spelling, and flags before the words after --", () => {
    const words = ["train", "--maxIter", "9", "--early_stop=loss", "--", "-net.prototxt"];
    expect(resumeCommand(words, { ...end, state: "s", stopped: undefined })).to.equal(
      "train --early_stop=loss -snapshot s --max-iter 10 -- -net.prototxt",
    );
    const kept = ["train", "s.prototxt", "--run", "mine", "--resume", "--max-iter", "9"];
    expect(resumeCommand(kept, { ...end, stopped: "asked" })).to.equal(
      "train s.prototxt --run mine --max-iter 9 --resume",
    );
    expect(resumeCommand(words, { ...end, state: "s", stopped: "early-stop" })).to.equal(
      "train --maxIter 9 -snapshot s -- -net.prototxt",
    );
  });

  it("comes with a test command that reads the data of the training's tests", () => {
    const words = ["train", "s.prototxt", "--data", "a b", "--mean-value", "1", "2", "3", "--mirror", "--base-lr", "1"];
    expect(testFlags(words)).to.equal("--data 'a b' --mean-value 1 2 3 --mirror");
    const own = ["--test_data=t", "--batchSize", "4", "--data", "a", "--test-batch-size", "8", "--level", "1"];
    expect(testFlags([...words, ...own])).to.equal("--mean-value 1 2 3 --mirror --data=t --batch-size 8 --level 1");
    expect(testFlags(["train", "s.prototxt"])).to.equal("");
  });

  it("ends later after a run that reached its own end", () => {
    const command = resumeCommand([...argv, "-snapshot", "old"], { ...end, stopped: undefined });
    expect(command)
      .to.match(/-snapshot_prefix s -snapshot 'my snaps.*' --max-iter 10$/)
      .and.not.match(/old|weights/);
  });
});
