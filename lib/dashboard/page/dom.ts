/** The element of an id; every one that is asked for is in the page. */
export const element = <E extends HTMLElement = HTMLElement>(id: string): E => document.getElementById(id) as E;

/** An element with text and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = "",
  children: readonly Node[] = [],
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (text !== "") made.textContent = text;
  made.append(...children);
  return made;
}

/** Fills a list of facts. */
export function fillFacts(
  list: HTMLElement,
  facts: readonly (readonly [name: string, value: string | undefined])[],
): void {
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined);
  const text = JSON.stringify(known);
  if (list.dataset["shown"] === text) return;
  list.dataset["shown"] = text;
  list.replaceChildren(...known.map(([name, value]) => make("div", "", [make("dt", name), make("dd", value)])));
}

/** Fills a table of texts; one without rows is empty. */
export function fillTable(table: HTMLElement, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const text = JSON.stringify([head, rows]);
  if (table.dataset["shown"] === text) return;
  table.dataset["shown"] = text;
  const line = (tag: "th" | "td", cells: readonly string[]) =>
    make(
      "tr",
      "",
      cells.map((cell) => make(tag, cell)),
    );
  if (rows.length === 0) return void table.replaceChildren();
  table.replaceChildren(
    make("thead", "", [line("th", head)]),
    make(
      "tbody",
      "",
      rows.map((cells) => line("td", cells)),
    ),
  );
}

/** A number in four digits. */
export const short = (value: number): string => {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6))
    return value
      .toExponential(2)
      .replace(/\.?0+e\+?/, "e")
      .replace("e+", "e");
  return String(Number(value.toPrecision(4)));
};

/** A time in the two units that matter. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "";
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h} h ${m} min` : m > 0 ? `${m} min ${s} s` : `${s} s`;
}

/** Bytes in MiB or GiB. */
export const bytes = (count: number): string =>
  count >= 2 ** 30 ? `${(count / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(count / 2 ** 20)} MiB`;
