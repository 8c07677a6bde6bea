import { flagOf, type Options, type OptionSpec } from "../options/option.js";
import type { COMPLETION } from "./commands/files.js";
import { type Command, type CommandArgs, GLOBAL } from "./commands/command.js";

/** Prints what a shell completes netrun's commands and flags by. */
export function completion({ shell }: CommandArgs<typeof COMPLETION>, commands: readonly Command[]): void {
  process.stdout.write(SCRIPTS[shell!](commands));
}

type Script = (commands: readonly Command[]) => string;

/** A command's flags, longest form, with those of every command. */
function flagsOf({ options }: Command): readonly (readonly [flag: string, spec: OptionSpec])[] {
  const all: Options = { ...options, ...GLOBAL };
  const flags = Object.entries(all).filter(([, spec]) => !spec.positional);
  return [
    ...flags.map(([name, spec]) => [`--${flagOf(name)}`, spec] as const),
    ["--help", { type: "boolean", describe: "Show help" }],
  ];
}

const namesOf = ({ name, aliases = [] }: Command) => [name, ...aliases];

/** The words that a flag takes, where they are known. */
const choicesOf = (spec: OptionSpec): readonly string[] => (spec.type === "choice" ? spec.choices : []);

const bash: Script = (all) => `# netrun completion bash: source it from ~/.bashrc
_netrun() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" flags=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${all.flatMap(namesOf).join(" ")} --help --version" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]} $before" in
${all
  .flatMap((command) =>
    flagsOf(command)
      .filter(([, spec]) => choicesOf(spec).length > 0)
      .map(
        ([flag, spec]) =>
          `    ${namesOf(command)
            .map((name) => `"${name} ${flag}"`)
            .join("|")}) COMPREPLY=($(compgen -W "${choicesOf(spec).join(" ")}" -- "$word")); return ;;`,
      ),
  )
  .join("\n")}
  esac
  case "\${COMP_WORDS[1]}" in
${all
  .map(
    (command) =>
      `    ${namesOf(command).join("|")}) flags="${flagsOf(command)
        .map(([flag]) => flag)
        .join(" ")}" ;;`,
  )
  .join("\n")}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _netrun netrun
`;

/** A text between single quotes of zsh and fish, which have no apostrophe in it. */
const quoted = (text: string) => `'${text.replaceAll("'", "’")}'`;

/** Characters that zsh refuses in the description of a flag. */
const described = (text: string) => text.replaceAll(/[[\]:\\]/g, " ").replaceAll("'", "’");

const zsh: Script = (all) => `#compdef netrun
# netrun completion zsh: write it to a file _netrun in a folder of $fpath
_netrun() {
  local -a commands
  commands=(
${all.map(({ name, describe }) => `    '${name}:${described(describe)}'`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${all
  .map((command) => {
    const flags = flagsOf(command).map(([flag, spec]) => {
      const choices = choicesOf(spec);
      const value =
        choices.length > 0 ? `:word:(${choices.join(" ")})` : spec.type === "boolean" ? "" : ":value:_files";
      return `'${flag}[${described(spec.describe)}]${value}'`;
    });
    return `    ${namesOf(command).join("|")}) _arguments ${flags.join(" ")} '*:file:_files' ;;`;
  })
  .join("\n")}
  esac
}
_netrun "$@"
`;

const fish: Script = (all) => `# netrun completion fish > ~/.config/fish/completions/netrun.fish
${all
  .map(({ name, describe }) => `complete -c netrun -n __fish_use_subcommand -f -a ${name} -d ${quoted(describe)}`)
  .join("\n")}
${all
  .flatMap((command) =>
    flagsOf(command).map(([flag, spec]) => {
      const choices = choicesOf(spec);
      const value = choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : spec.type === "boolean" ? "" : " -r";
      const seen = `'__fish_seen_subcommand_from ${namesOf(command).join(" ")}'`;
      return `complete -c netrun -n ${seen} -l ${flag.slice(2)}${value} -d ${quoted(spec.describe)}`;
    }),
  )
  .join("\n")}
`;

const SCRIPTS = { bash, zsh, fish } as const satisfies Record<string, Script>;
