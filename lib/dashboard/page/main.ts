import { type CurveOptions, extentOf } from "./charts.js";
import { showComparison } from "./compare.js";
import { element, make } from "./dom.js";
import { acceptImages, showLayers } from "./layers.js";
import { showOverview } from "./overview.js";
import { showReplicas } from "./replicas.js";
import { type ShownRun, Store } from "./store.js";

const VIEWS = ["overview", "layers", "replicas", "runs"] as const;
type View = (typeof VIEWS)[number];

let view: View = "overview";
const store = new Store(draw);
const chooser = element<HTMLSelectElement>("run");
const smoothing = element<HTMLInputElement>("smoothing");
const against = element<HTMLSelectElement>("against");
const log = element<HTMLInputElement>("log");

const shownRun = (): ShownRun | undefined => store.runs.get(chooser.value) ?? store.runs.values().next().value;

function draw(): void {
  fillChooser();
  const run = shownRun();
  // A training that has ended takes its page's server with it.
  element("connection").hidden = store.isConnected || (run !== undefined && run.status !== "running");
  if (!run) return;
  element("status").textContent = run.status;
  element("controls").hidden = !(run.takesControls && run.status === "running");
  document.title = `${run.name} – netrun`;
  const options: CurveOptions = {
    smoothing: Number(smoothing.value),
    against: against.value === "time" ? "time" : "iteration",
    log: log.checked,
  };
  const ofRun = { ...options, span: extentOf(run.digest.series, options.against) };
  if (view === "overview") showOverview(run, ofRun);
  else if (view === "layers") showLayers(run, ofRun);
  else if (view === "replicas") showReplicas(run, ofRun);
  else showComparison([...store.runs.values()], options);
}

function fillChooser(): void {
  const names = [...store.runs.values()].map(({ id, name }) => `${id} ${name}`).join("\n");
  if (chooser.dataset["names"] === names) return;
  chooser.dataset["names"] = names;
  const before = chooser.value;
  chooser.replaceChildren(
    ...[...store.runs.values()].map(({ id, name }) => {
      const option = make("option", name);
      option.value = id;
      return option;
    }),
  );
  if (store.runs.has(before)) chooser.value = before;
  element("chooser").hidden = store.runs.size < 2;
}

function choose(next: View, focus = false): void {
  view = next;
  // A page that is loaded again shows the same.
  history.replaceState(null, "", `#${next}`);
  for (const each of VIEWS) {
    const tab = element(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === next));
    tab.tabIndex = each === next ? 0 : -1;
    element(each).hidden = each !== next;
  }
  if (focus) element(`tab-${next}`).focus();
  draw();
}

for (const each of VIEWS) element(`tab-${each}`).addEventListener("click", () => choose(each));
for (const input of [chooser, smoothing, against, log, element("curve")]) input.addEventListener("input", draw);

document.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, select, textarea")) return;
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step !== undefined && target.matches("[role=tab]"))
    choose(VIEWS[(VIEWS.indexOf(view) + step + VIEWS.length) % VIEWS.length]!, true);
  else if (/^[1-4]$/.test(event.key)) choose(VIEWS[Number(event.key) - 1]!, true);
  else if (event.key === "l") log.click();
  else if (event.key === "t") {
    against.value = against.value === "time" ? "iteration" : "time";
    draw();
  }
});

/** Sends a control to the run that is shown; its event comes with the stream. */
async function control(body: object, button: HTMLButtonElement): Promise<void> {
  const run = shownRun();
  if (!run) return;
  button.disabled = true;
  const answer = await fetch(`control/${run.id}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch((error: Error) => new Response(error.message, { status: 503 }));
  button.disabled = false;
  if (!answer.ok) element("status").textContent = `not done: ${await answer.text()}`;
}

const CONTROLS = {
  snapshot: { action: "snapshot" },
  lower: { action: "rate", factor: 0.1 },
  stop: { action: "stop" },
} as const;
for (const [id, body] of Object.entries(CONTROLS)) {
  const button = element<HTMLButtonElement>(id);
  button.addEventListener("click", () => void control(body, button));
}

// Shades of histograms are other ones on dark paper.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
acceptImages(shownRun);
const remembered = VIEWS.find((each) => location.hash === `#${each}`);
if (remembered) choose(remembered);
store.connect();
