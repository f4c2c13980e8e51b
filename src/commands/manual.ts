import type { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { SNAPSHOT_CONF_PATH } from '../config/snapshot-conf.ts';
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
  ['0', 'the snapshot is complete and consistent, or the command did what it was asked to do'],
  ['1', 'the run failed; the result says what failed and on which disk'],
  ['2', 'invalid input or unsupported machine; nothing was frozen'],
  ['0 to 3', 'status: OK, WARNING, CRITICAL, UNKNOWN'],
  ['125', 'freeze: a file system was not frozen all the time, or the options are wrong'],
  ['126, 127', 'freeze: the command may not be executed, or does not exist; nothing was frozen'],
  ['128 + n', 'signal n ended the run; everything was thawed first'],
];

const FILES: readonly [string, string][] = [
  [
    VM_BACKUP_CONFIGURATION_PATH,
    'configuration; flashfreeze alone reads its section [Flashfreeze]',
  ],
  [SNAPSHOT_CONF_PATH, 'what the timer of flashfreeze setup gives to flashfreeze snapshot --conf'],
  [RUN_FOLDER, 'results and timelines of the last 50 runs, for flashfreeze report'],
  [
    '/run/flashfreeze',
    'list of what is frozen now, so that the next command can thaw it if a run dies',
  ],
  [
    '/var/lib/flashfreeze/freeze-first.json',
    'file systems that must be frozen first on this machine',
  ],
  [FREEZE_LOCK_PATH, 'lock that is held during a freeze and shared with other backup tools'],
];

const ENVIRONMENT: readonly [string, string][] = [
  ['NO_COLOR', 'if set, flashfreeze prints no colours'],
  ['FORCE_COLOR', 'if set, flashfreeze also prints colours to a pipe or a file'],
  ['NODE_EXTRA_CA_CERTS', 'PEM file with additional certificate authorities'],
  ['SSL_CERT_FILE', 'PEM file to use instead of the certificate authorities of the system'],
  [
    'HTTPS_PROXY',
    'HTTP proxy for requests to storage accounts; a proxy in /etc/waagent.conf takes precedence',
  ],
  ['NO_PROXY', 'hosts, domains and networks that are reached without a proxy'],
];

/** In the language of man(7). */
export function manualPage(
  commands: readonly CommandDescription[],
  version: string = packageJson.version,
): string {
  return [
    `.TH FLASHFREEZE 8 "" "flashfreeze ${version}"`,
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
    '.SH EXAMPLES',
    ...commands.flatMap(({ examples }) =>
      examples.flatMap(({ line, purpose }) => term([line, purpose])),
    ),
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

/** In man(7), a plain hyphen is typeset as a hyphen, and a dot or quote at the start of a line begins a request. */
function text(plain: string): string {
  const escaped = plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
