import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import { redact } from '../log/redaction.ts';
import { LAB_DIRECTORY } from '../program-files.ts';
import { type Installed, install, VERSION_FOLDER } from '../setup/install.ts';
import { commandLink, DEFAULT_PREFIX, type Places } from '../setup/places.ts';
import { uninstall } from '../setup/uninstall.ts';
import { describeCommands } from './command-tree.ts';
import { completionScript } from './completion.ts';
import { manualPage } from './manual.ts';

interface SetupOptions {
  readonly prefix?: string;
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
    .option('--remove', 'remove everything that setup made; keeps configuration and run records')
    .action(async (options: SetupOptions) => {
      const source = requireArchive();
      const places = placesOf(options, source);
      const text =
        options.remove === true
          ? removal(await uninstall(places), places)
          : installation(await install(source, textsOf(program), places), places);
      process.stdout.write(redact(text));
    });
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
    VERSION_FOLDER.test(source.slice(parent.length + 1)) && existsSync(join(parent, 'setup.json'));
  return {
    prefix: prefix === undefined ? (isInstalled ? parent : DEFAULT_PREFIX) : join(prefix),
    local: '/usr/local',
  };
}

function textsOf(program: Command): Parameters<typeof install>[1] {
  const commands = describeCommands(program);
  return {
    manual: manualPage(commands),
    bash: completionScript(commands, 'bash'),
    zsh: `#compdef flashfreeze\n${completionScript(commands, 'zsh')}`,
    fish: completionScript(commands, 'fish'),
  };
}

function installation({ folder, removed, kept, leftAlone }: Installed, places: Places): string {
  const command = commandLink(places);
  return lines([
    `installed in ${folder}`,
    `command: ${command}; manual page: man flashfreeze; completions of bash, zsh and fish`,
    ...removed.map((path) => `removed the older version in ${path}`),
    ...kept.map(
      ({ folder: older, users }) =>
        `kept ${older}, which process ${users.map(({ pid }) => pid).join(', ')} uses; the next setup removes it`,
    ),
    ...leftAlone.map((path) => `left ${path} alone: it was there and is not from setup`),
    `to remove it: ${command} setup --remove`,
  ]);
}

function removal(removed: readonly string[], { prefix }: Places): string {
  return removed.length === 0
    ? `nothing is installed in ${prefix}\n`
    : lines([
        ...removed.map((path) => `removed ${path}`),
        'kept: /etc/azure, /var/log/flashfreeze, /var/lib/flashfreeze; /run/flashfreeze-cache is in memory',
      ]);
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}
