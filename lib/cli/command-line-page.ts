import type { OptionSpec, Options } from "../options/option.js";
import { type Command, GLOBAL } from "./commands/command.js";
import { commands } from "./commands/index.js";
import { optionRow } from "./help.js";
import { usageOf } from "./request.js";

/** Text before the commands. */
const INTRODUCTION = `# Command line

<!-- Written by \`npm run docs\` from the tables that define the commands. -->

\`netrun COMMAND --help\` prints the same. Flags take one dash or two, dashes or underscores (\`--base-lr 0.01\`, \`-base_lr=0.01\`), and may come before
the command. A boolean flag is negated as \`--no-NAME\`. In a clone, without installation, use \`node bin/netrun.js\`.

## Exit status

| status | meaning |
| --- | --- |
| 0 | success |
| 1 | an error that you can fix: the message on stderr has the file, the place in it and what to do |
| 70 | a bug in netrun; \`--verbose\` shows where |
| 130, 143 | a second SIGINT or SIGTERM before the first took effect; after one, training stops with a snapshot and status 0 |

Results go to stdout, warnings, errors and progress bars of files to stderr. \`--json\` prints the result as one JSON document (\`train\` one event a
line), where a number that is not finite is \`null\`; \`--quiet\` prints only results, warnings and errors. Colours and the live line appear only in terminals, and
\`NO_COLOR\` turns colours off.
`;

/** The page docs/command-line.md: every command with its words, flags and examples. */
export function commandLinePage(): string {
  const index = commands.map(({ name, describe }) => `| [${name}](#${name}) | ${describe} |`).join("\n");
  return [
    INTRODUCTION,
    "## Commands\n",
    `| command | |\n| --- | --- |\n${index}\n`,
    ...commands.map(section),
    `## Flags of all commands\n\n${table(GLOBAL)}`,
  ].join("\n");
}

function section(command: Command): string {
  const { name, aliases = [], describe, examples, options } = command;
  const groups = new Map<string, Record<string, OptionSpec>>();
  for (const [option, spec] of Object.entries(options)) {
    const title = spec.positional ? "Arguments" : (spec.group ?? "Options").replace(/:$/, "");
    groups.set(title, { ...groups.get(title), [option]: spec });
  }
  return [
    `### ${name}\n`,
    `\`${usageOf(command).replace("usage: ", "")}\`: ${describe}.${aliases.length > 0 ? ` Also \`${aliases.join("`, `")}\`.` : ""}\n`,
    `\`\`\`sh\n${examples.join("\n")}\n\`\`\`\n`,
    ...[...groups].map(([title, group]) => `${groups.size > 1 ? `**${title}**\n\n` : ""}${table(group)}`),
  ].join("\n");
}

/** Flags with what they do, a row each. */
function table(options: Options): string {
  const rows = Object.entries(options).map(([name, spec]) => {
    const [flag, text] = spec.positional ? [spec.positional, spec.describe] : optionRow([name, spec]);
    return `| \`${flag.trim()}\` | ${escaped(text)} |`;
  });
  return `| | |\n| --- | --- |\n${rows.join("\n")}\n`;
}

const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
