import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { type Command, Option } from 'commander';
import { SNAPSHOT_CONF_PATH } from '../config/snapshot-conf.ts';
import { FlashfreezeError } from '../errors.ts';
import { redact } from '../log/redaction.ts';
import { LAB_DIRECTORY } from '../program-files.ts';
import { type Installed, install, VERSION_FOLDER, type Wishes } from '../setup/install.ts';
import {
  commandLink,
  DEFAULT_PREFIX,
  MACHINE,
  PACKAGE_FOLDER,
  PACKAGE_MANAGER_FILE,
  type Places,
} from '../setup/places.ts';
import { TIMER_NAME } from '../setup/schedule.ts';
import { SetupLock } from '../setup/setup-lock.ts';
import { nextRun, SCHEDULERS, timerFor } from '../setup/timer.ts';
import { uninstall } from '../setup/uninstall.ts';
import { describeCommands } from './command-tree.ts';
import { completionScript } from './completion.ts';
import { manualPage } from './manual.ts';
import { snapshotConfExample } from './snapshot-conf-example.ts';

interface SetupOptions {
  readonly prefix?: string;
  readonly timer?: string;
  readonly remove?: true;
}

export function addSetupCommand(program: Command): void {
  program
    .command('setup')
    .description('Install the unpacked archive on this machine, or remove what was installed')
    .option(
      '--prefix <folder>',
      `folder to install to (default: that of this installation, or ${DEFAULT_PREFIX})`,
    )
    .option(
      '--timer <schedule>',
      `take snapshots with ${SNAPSHOT_CONF_PATH}: hourly, daily, weekly, a time as OnCalendar= of systemd.time(7), or off (default: leave the timer as it is)`,
    )
    .addOption(
      new Option(
        '--remove',
        'remove everything that setup made; keeps configuration that was changed, and run records',
      ).conflicts('timer'),
    )
    .action(async (options: SetupOptions) => {
      const source = requireArchive();
      const places = placesOf(options, source);
      using _lock = SetupLock.take(places);
      const text = await (options.remove === true
        ? removed(places)
        : installed(source, program, options, places));
      process.stdout.write(redact(text));
    });
}

async function installed(
  source: string,
  program: Command,
  { timer }: SetupOptions,
  places: Places,
): Promise<string> {
  const wanted =
    timer === undefined || timer === 'off' ? timer : await timerFor(timer, places, SCHEDULERS);
  const result = await install(source, { ...textsOf(program), timer: wanted }, places);
  return lines([
    ...installation(result, places),
    ...(await timerLines(result, timer === 'off')),
    `to remove it: ${removalCommand(places)}`,
  ]);
}

async function removed(places: Places): Promise<string> {
  requireRemovable(places);
  return removal(await uninstall(places), places);
}

/** The folder that this program runs from. */
function requireArchive(): string {
  if (LAB_DIRECTORY !== undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      'setup: expected the unpacked archive, not a checkout; npm run package -- --tar makes the archive',
    );
  }
  if (process.geteuid?.() !== 0) {
    throw new FlashfreezeError(
      'FF_NOT_ROOT',
      'setup writes to system folders and needs root: run this command with sudo',
    );
  }
  if (!existsSync('/proc/self/fd')) {
    throw new FlashfreezeError(
      'FF_SETUP_FAILED',
      `setup needs /proc, which is not mounted here: mount it (mount -t proc proc /proc), then run ${join(import.meta.dirname, 'flashfreeze')} setup`,
    );
  }
  return import.meta.dirname;
}

function placesOf({ prefix }: SetupOptions, source: string): Places {
  if (prefix !== undefined && (!isAbsolute(prefix) || prefix === '/')) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--prefix ${prefix}: expected the absolute path of a folder for flashfreeze alone, e.g. ${DEFAULT_PREFIX}`,
    );
  }
  const parent = dirname(source);
  const isInstalled =
    source === PACKAGE_FOLDER ||
    (VERSION_FOLDER.test(source.slice(parent.length + 1)) &&
      existsSync(join(parent, 'setup.json')));
  const own = prefix === undefined ? (isInstalled ? parent : DEFAULT_PREFIX) : join(prefix);
  const manager = managerOf(own);
  if (manager !== undefined && !isInstalled) {
    throw new FlashfreezeError(
      'FF_SETUP_FAILED',
      `flashfreeze is installed here as a package (${manager}); upgrade that, or remove it first`,
    );
  }
  return {
    ...MACHINE,
    prefix: own,
    local: manager === undefined ? '/usr/local' : '/usr',
    isPackaged: manager !== undefined,
  };
}

/** The package manager that has put the program below a prefix, if one has. */
function managerOf(prefix: string): string | undefined {
  const path = join(prefix, basename(PACKAGE_FOLDER), PACKAGE_MANAGER_FILE);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

/** Set by the scripts of a package when the package itself goes. */
const BY_PACKAGE = 'FLASHFREEZE_REMOVED_BY_PACKAGE';

function requireRemovable({ isPackaged }: Places): void {
  if (isPackaged && process.env[BY_PACKAGE] === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      'setup --remove: flashfreeze is installed as a package; remove that (apt-get remove flashfreeze, dnf remove flashfreeze), which calls this',
    );
  }
}

function removalCommand(places: Places): string {
  return places.isPackaged
    ? 'remove the package flashfreeze'
    : `${commandLink(places)} setup --remove`;
}

/** What the program itself prints, for an installation of it. */
export function textsOf(program: Command, version?: string): Pick<Wishes, 'texts' | 'example'> {
  const commands = describeCommands(program);
  const snapshot = program.commands.find((it) => it.name() === 'snapshot') ?? program;
  return {
    texts: {
      manual: manualPage(commands, version),
      bash: completionScript(commands, 'bash'),
      zsh: `#compdef flashfreeze\n${completionScript(commands, 'zsh')}`,
      fish: completionScript(commands, 'fish'),
    },
    example: snapshotConfExample(snapshot),
  };
}

function installation({ folder, removed, kept, leftAlone }: Installed, places: Places): string[] {
  const command = commandLink(places);
  return [
    `installed in ${folder}`,
    `command: ${command}; manual page: man flashfreeze; completions of bash, zsh and fish`,
    ...removed.map((path) => `removed the older version in ${path}`),
    ...kept.map(
      ({ folder: older, users }) =>
        `kept ${older}, which process ${users.map(({ pid }) => pid).join(', ')} uses; the next setup removes it`,
    ),
    ...leftAlone.map((path) => `left ${path} alone: it was there and is not from setup`),
  ];
}

async function timerLines(
  { timer, isExampleChanged }: Installed,
  isOff: boolean,
): Promise<string[]> {
  if (timer === undefined) {
    return isOff ? ['no timer takes snapshots'] : [];
  }
  const next = await nextRun(timer, SCHEDULERS);
  const unit = timer.by === 'systemd' ? TIMER_NAME : 'cron';
  return [
    `timer: ${unit}, ${timer.schedule}${next === undefined ? '' : `; next run: ${next}`}`,
    ...(isExampleChanged
      ? []
      : [
          `! ${SNAPSHOT_CONF_PATH} does not say yet what to snapshot: edit it before the first run`,
        ]),
  ];
}

function removal(removed: readonly string[], { prefix }: Places): string {
  return removed.length === 0
    ? `nothing is installed in ${prefix}\n`
    : lines([
        ...removed.map((path) => `removed ${path}`),
        'kept: /etc/azure, /etc/flashfreeze if it was changed, /var/log/flashfreeze, /var/lib/flashfreeze; /run/flashfreeze-cache is in memory',
      ]);
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}
