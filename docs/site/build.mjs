// Builds the docs as a site into docs/site/dist: `npm run docs:site`. The pages are those of docs/ and of the project's root, and
// the API's from docstrings by TypeDoc; VitePress makes the site, and fails on a link that leads nowhere.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";
import { build } from "vitepress";

const site = fileURLToPath(new URL(".", import.meta.url));
const root = join(site, "../..");
const pages = join(site, "pages");

/** Pages by their file in the project, with their file in the site. */
const FILES = {
  "README.md": "index.md",
  "CHANGELOG.md": "changelog.md",
  "CONTRIBUTING.md": "contributing.md",
  "SECURITY.md": "security.md",
  "lib/README.md": "architecture.md",
  ...Object.fromEntries(
    readdirSync(join(root, "docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => [`docs/${name}`, name]),
  ),
};

/** The sidebar: groups of pages. Those that no group names come last. */
const GROUPS = {
  Start: ["getting-started", "from-caffe", "from-pycaffe", "from-sparknet"],
  Use: [
    "training",
    "data",
    "converting",
    "tables",
    "pretraining",
    "detection",
    "averaging",
    "spark",
    "gpu",
    "runs",
    "dashboard",
    "sweeps",
    "examples",
  ],
  Reference: [
    "command-line",
    "api",
    "api/index",
    "plugins",
    "layers",
    "forks",
    "published-nets",
    "events",
    "file-formats",
    "troubleshooting",
  ],
};

/** A page's text with links between pages of the site; a link to another file of the project becomes its path in code. */
function linked(file, text) {
  return text
    .replaceAll(/<!--.*?-->\n?/gs, "")
    .replaceAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (whole, image, label, target) => {
      if (/^[a-z]+:|^#/.test(target)) return whole;
      const [path, heading = ""] = target.split(/(?=#)/);
      const to = relative(root, join(root, dirname(file), path));
      if (image) {
        cpSync(join(root, to), join(pages, basename(to)));
        return `![${label}](./${basename(to)})`;
      }
      return to in FILES ? `[${label}](./${FILES[to]}${heading})` : `${label} (\`${to}\`)`;
    });
}

const titleOf = (text) => /^# (.*)$/m.exec(text)?.[1] ?? "netrun";

rmSync(pages, { recursive: true, force: true });
mkdirSync(pages);
const app = await Application.bootstrapWithPlugins({
  entryPoints: ["index.ts", "browser.ts"].map((file) => join(root, "lib", file)),
  tsconfig: join(root, "tsconfig.json"),
  plugin: ["typedoc-plugin-markdown"],
  readme: "none",
  out: join(pages, "api"),
  entryFileName: "index",
  excludePrivate: true,
  excludeInternal: true,
  disableSources: true,
  sanitizeComments: true,
  useCodeBlocks: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  validation: false,
  logLevel: "Error",
});
const project = await app.convert();
if (!project) throw new Error("TypeDoc could not read lib/index.ts");
await app.generateOutputs(project);
if (app.logger.hasErrors()) throw new Error("TypeDoc found errors");

const titles = { "api/index": "Every export" };
for (const [file, name] of Object.entries(FILES)) {
  const text = readFileSync(join(root, file), "utf8");
  titles[name.replace(/\.md$/, "")] = titleOf(text);
  writeFileSync(join(pages, name), linked(file, text));
}

const named = Object.values(GROUPS).flat();
const rest = Object.keys(titles).filter((name) => name !== "index" && !named.includes(name));
const item = (name) => ({ text: titles[name], link: `/${name.replace(/index$/, "")}` });
const sidebar = Object.entries({ ...GROUPS, More: rest }).map(([text, names]) => ({ text, items: names.map(item) }));
const config = {
  title: "netrun",
  description: "Caffe models, live again: parse, train, run and convert them in TypeScript on onnxruntime",
  outDir: "../dist",
  cacheDir: "../cache",
  themeConfig: { search: { provider: "local" }, sidebar, outline: "deep" },
  // Types such as Array<T> and messages such as { field } stand in plain text.
  markdown: { html: false, attrs: { disable: true } },
};
mkdirSync(join(pages, ".vitepress"));
writeFileSync(join(pages, ".vitepress/config.mjs"), `export default ${JSON.stringify(config, null, 2)};\n`);
await build(pages);
