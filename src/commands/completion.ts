import { Argument, type Command } from 'commander';
import { type CommandDescription, describeCommands } from './command-tree.ts';

type Shell = 'bash' | 'zsh' | 'fish';

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('Print the completion script of a shell, e.g. for ~/.bashrc')
    .addArgument(
      new Argument('<shell>', 'shell that will read the script').choices(['bash', 'zsh', 'fish']),
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript(describeCommands(program), shell));
    });
}

/** zsh reads the script of bash through its compatibility layer. */
export function completionScript(commands: readonly CommandDescription[], shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return `(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case 'fish':
      return fish(commands);
  }
}

/** The commands among the words typed so far decide which words may follow; values of options are files. */
function bash(commands: readonly CommandDescription[]): string {
  const cases = commands.map(({ path, words, options }) => {
    const names = options.flatMap((option) => option.names);
    return `    ${quoted(path.join(' '))}) next=${quoted([...words, ...names].join(' '))} ;;`;
  });
  const choices = commands.flatMap(({ path, options }) =>
    options
      .filter((option) => option.choices.length > 0)
      .flatMap((option) =>
        option.names.map(
          (name) =>
            `    ${quoted(`${path.join(' ')} ${name}`)}) COMPREPLY=($(compgen -W ${quoted(option.choices.join(' '))} -- "$word")); return ;;`,
        ),
      ),
  );
  const withValue = commands
    .flatMap(({ options }) => options.filter(({ takesValue }) => takesValue))
    .flatMap(({ names }) => names);
  const mountOptions = commands
    .flatMap(({ options }) => options.filter(({ takesMount }) => takesMount))
    .flatMap(({ names }) => names);
  const ofMounts = commands
    .filter(({ takesMounts }) => takesMounts)
    .map(({ path }) => path.join(' '));
  const paths = commands.map(({ path }) => path.join(' ')).filter((path) => path !== '');
  return `# One word a line, so that names with blanks stay whole.
_flashfreeze_offer() {
  local item
  COMPREPLY=()
  while IFS= read -r item; do COMPREPLY+=("$item"); done
}
_flashfreeze_mounts() {
  local point rest
  while read -r rest rest rest rest point rest; do
    printf -v point '%b' "$point"
    if [[ "$point" == "$1"* ]]; then printf '%s\\n' "$point"; fi
  done </proc/self/mountinfo
}
_flashfreeze() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="" next="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${command:+$command }\${COMP_WORDS[index]}" in
    ${paths.map(quoted).join('|')}) command="\${command:+$command }\${COMP_WORDS[index]}" ;;
    esac
  done
  case "$command $before" in
${choices.join('\n')}
  esac
  case "$before" in
    ${[...new Set(mountOptions)].join('|')}) _flashfreeze_offer < <(_flashfreeze_mounts "$word"); return ;;
    ${[...new Set(withValue)].join('|')}) _flashfreeze_offer < <(compgen -f -- "$word"); return ;;
  esac
  case "$command" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "$word"))
  case "$command" in
    ${ofMounts.map(quoted).join('|')}) if [[ "$word" != -* ]]; then _flashfreeze_offer < <(_flashfreeze_mounts "$word"); fi; return ;;
  esac
  if [ \${#COMPREPLY[@]} -eq 0 ]; then _flashfreeze_offer < <(compgen -f -- "$word"); fi
}
complete -o filenames -F _flashfreeze flashfreeze
`;
}

function fish(commands: readonly CommandDescription[]): string {
  const lines = commands.flatMap(({ path, words, options, takesMounts }) => {
    const last = path.at(-1);
    const condition =
      last === undefined ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${last}`;
    const start = `complete -c flashfreeze -n ${quoted(condition)}`;
    return [
      ...(words.length === 0 ? [] : [`${start} -f -a ${quoted(words.join(' '))}`]),
      ...(takesMounts ? [`${start} -f -a ${quoted(FISH_MOUNTS)}`] : []),
      ...options.map(({ names, description, takesValue, takesMount, choices }) => {
        const flags = names.map((name) =>
          name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
        );
        const offered = takesMount ? FISH_MOUNTS : choices.join(' ');
        const value = offered === '' ? ' -r' : ` -x -a ${quoted(offered)}`;
        return `${start} ${flags.join(' ')}${takesValue ? value : ''} -d ${quoted(description)}`;
      }),
    ];
  });
  return `${lines.join('\n')}\n`;
}

/** The mount points of the machine; mountinfo has blanks in octal. */
const FISH_MOUNTS = `(printf '%b\\n' (string split -f5 ' ' < /proc/self/mountinfo))`;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
