import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { ForkField } from "../../lib/caffe/forks/field.js";
import { FORK_FIELDS } from "../../lib/caffe/forks/fields.js";
import { refusedFork } from "../../lib/caffe/forks/index.js";
import { loadNet, loadSolver } from "../../lib/caffe/load.js";
import { reflect } from "../../lib/caffe/schema.js";
import type { NetrunError } from "../../lib/error.js";
import { verdictOf } from "../../lib/layers/forks/page.js";
import { root } from "../support/shared.js";

describe("the table of forks", () => {
  it("names messages of the schema", () => {
    const messages = FORK_FIELDS.map(({ message }) => message).filter((message) => message !== "*");
    for (const message of messages) expect(reflect(message as "LayerParameter").name).to.equal(message);
  });

  it("has each field once", () => {
    const keys = FORK_FIELDS.flatMap(({ message, fields, values = [""] }) =>
      fields.flatMap((field) => values.map((value) => `${message}.${field}=${value}`)),
    );
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).to.deep.equal([]);
  });
});

/** The text of a net or solver with text in a message of it, on its line 3; undefined for messages that no text holds. */
function textWith(
  message: string,
  text: string,
): { readonly kind: "net" | "solver"; readonly text: string } | undefined {
  if (message === "SolverParameter") return { kind: "solver", text: `net: "n.prototxt"\nbase_lr: 0.1\n${text}\n` };
  if (message === "NetParameter") return { kind: "net", text: `name: "n"\n\n${text}\n` };
  const layer = (param: string) => `layer { name: "l" type: "Silence" bottom: "x"\n${param}\n}\n`;
  const input = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }\n`;
  if (message === "ParamSpec") return { kind: "net", text: input + layer(`param { ${text} }`) };
  if (message === "LayerParameter") return { kind: "net", text: input + layer(text) };
  if (message === "FillerParameter")
    return { kind: "net", text: input + layer(`convolution_param { weight_filler { ${text} } }`) };
  const field = reflect("LayerParameter").fieldsArray.find(({ resolvedType }) => resolvedType?.name === message);
  return field && { kind: "net", text: input + layer(`${field.name} { ${text} }`) };
}

/** Error of netrun where a net or solver with a field of a fork runs; undefined where it runs. */
function refusalOf({ kind, text }: { readonly kind: "net" | "solver"; readonly text: string }): string | undefined {
  const said = (error: NetrunError | undefined) => error?.format();
  if (kind === "solver") return said(refusedFork(loadSolver(text, { name: "s", onWarning: () => {} }).message, ""));
  const { message } = loadNet(text, { name: "n", onWarning: () => {} });
  // Fillers are asked where they fill.
  const fillers = message.layer.map(({ convolution_param }) => convolution_param?.weight_filler);
  const parts = [message, ...message.layer, ...fillers].filter((part) => part !== undefined && part !== null);
  return said(parts.map((part) => refusedFork(part, "")).find((error) => error !== undefined));
}

describe("the table of forks is true", () => {
  const rows = FORK_FIELDS.filter(({ message }) => message !== "V1LayerParameter").flatMap((row) =>
    row.fields.map((field) => ({ row, field, message: row.message === "*" ? "ConvolutionParameter" : row.message })),
  );
  const given = ({ values }: ForkField, field: string) => `${field}: ${values?.[0] ?? "7"}`;
  const source = readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/messages\.ts$|forks.fields[\w-]*\.ts$/.test(file))
    .map((file) => readFileSync(join(root, "lib", file), "utf8"))
    .join("\n");

  for (const { row, field, message } of rows) {
    const verdict = verdictOf(row);
    const name = `${message}.${field}${row.values ? `: ${row.values.join()}` : ""}`;
    it(`${name} is ${verdict}`, () => {
      const net = textWith(message, given(row, field));
      if (row.ignored) {
        expect(source).not.to.match(new RegExp(`\\b${field}\\b`));
        return;
      }
      if (verdict === "supported") {
        // Read somewhere, by its name or its value's.
        expect(source).to.match(new RegExp(`\\b${row.values?.[0] ?? field}\\b`));
        return;
      }
      expect(net, `a message that a net or solver holds: ${message}`).not.to.equal(undefined);
      const said = refusalOf(net!);
      if (verdict === "harmless") expect(said).to.equal(undefined);
      else {
        expect(said).to.match(new RegExp(`^[ns]:3:\\d+: .*${field}`));
        expect(said).to.contain(row.refused);
        for (const value of row.unless ?? [])
          expect(refusalOf(textWith(message, `${field}: ${value}`)!)).to.equal(undefined);
      }
    });
  }
});
