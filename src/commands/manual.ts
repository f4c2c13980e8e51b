import type { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { VM_BACKUP_CONFIGURATION_PATH } from '../config/vmbackup.ts';
import { RUN_FOLDER } from '../report/run-folder.ts';
import { FREEZE_LOCK_PATH } from '../system/file-lock.ts';
import { type CommandDescription, describeCommands } from './command-tree.ts';

export function addManualCommand(program: Command): void {
  program
    .command('manual')
    .description('Print the manual page: flashfreeze manual | man -l -')
    .action(() => {
      process.stdout.write(manualPage(describeCommands(program)));
    });
}

const EXIT_CODES: readonly [string, string][] = [
  ['0', 'a complete, consistent snapshot; or what was asked for was done'],
  ['1', 'the run failed; the result says what and which disk'],
  ['2', 'the input or the machine cannot be used as asked; nothing was frozen'],
  ['125', 'freeze: the file systems were not frozen all the while, or the options are wrong'],
  ['126, 127', 'freeze: the command may not be executed, or does not exist'],
  ['128 + n', 'ended by signal n; everything was thawed first'],
];

const FILES: readonly [string, string][] = [
  [VM_BACKUP_CONFIGURATION_PATH, 'configuration; section [Flashfreeze] is our own'],
  [RUN_FOLDER, 'what the last 50 runs have left, for flashfreeze report'],
  ['/run/flashfreeze', 'what is frozen now, for whoever comes after a run that dies'],
  ['/var/lib/flashfreeze/freeze-first.json', 'what has to be frozen first on this machine'],
  [FREEZE_LOCK_PATH, 'held while freezing, shared with other backup tools'],
];

const ENVIRONMENT: readonly [string, string][] = [
  ['NO_COLOR', 'if set, nothing is printed in colour'],
  ['FORCE_COLOR', 'if set, colours are printed to a pipe or a file, too'],
  ['NODE_EXTRA_CA_CERTS', 'file of a further certificate authority, PEM'],
  [
    'HTTPS_PROXY',
    'HTTP proxy for what is sent to storage accounts; /etc/waagent.conf goes before it',
  ],
  ['NO_PROXY', 'hosts, domains and networks reached without a proxy'],
];

/** In the language of man(7). */
export function manualPage(commands: readonly CommandDescription[]): string {
  return [
    `.TH FLASHFREEZE 8 "" "flashfreeze ${packageJson.version}"`,
    '.SH NAME',
    `flashfreeze \\- ${text(packageJson.description)}`,
    '.SH SYNOPSIS',
    ...commands
      .filter(({ path }) => path.length > 0)
      .flatMap(({ path, usage }, index) => [
        ...(index === 0 ? [] : ['.br']),
        `.B flashfreeze ${path.join(' ')}`,
        text(usage),
      ]),
    '.SH COMMANDS',
    ...commands.flatMap(commandSection),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(term),
    '.SH FILES',
    ...FILES.flatMap(term),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(term),
    '',
  ].join('\n');
}

function commandSection({ path, summary, options }: CommandDescription): string[] {
  const terms = options.map(({ flags, description }) => term([flags, description]));
  return path.length === 0
    ? terms.flat()
    : [`.SS ${path.join(' ')}`, `${text(summary)}.`, ...terms.flat()];
}

function term([name, description]: readonly [string, string]): string[] {
  return ['.TP', `.B ${text(name)}`, text(description)];
}

/** A hyphen would be typeset as one, a dot or quote at the beginning of a line is a request. */
function text(plain: string): string {
  const escaped = plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
