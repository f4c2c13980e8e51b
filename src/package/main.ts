/** `npm run package [-- options]`: makes what is installed on other machines. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { exitOnError } from '../commands/exit.ts';
import { createProgram } from '../commands/program.ts';
import { textsOf } from '../commands/setup.ts';
import { FlashfreezeError } from '../errors.ts';
import {
  ARCHITECTURES,
  type Architecture,
  DEFAULT_NAME,
  parseArchitecture,
  parseName,
  parseProgramVersion,
  parseVersion,
} from './options.ts';
import { commandPayload, type MadeFile, packageArchive } from './package-archive.ts';
import { DEB } from './package-deb.ts';
import { packageExtension } from './package-extension.ts';
import { RPM } from './package-rpm.ts';
import { OLDEST_GLIBC, TOO_OLD_DISTRIBUTIONS } from './symbol-versions.ts';
import { makePackage } from './system-package.ts';

interface Given {
  readonly tar?: true;
  readonly deb?: true;
  readonly rpm?: true;
  readonly name?: string;
  readonly version?: string;
  readonly arch: string;
  readonly out?: string;
}

async function run(given: Given): Promise<void> {
  const architecture = parseArchitecture(given.arch);
  const out = resolve(given.out ?? `build/package/${architecture}`);
  const { path, bytes, isChecked } = await make(given, architecture, out);
  const megabytes = (bytes / 1e6).toFixed(1);
  const checked = isChecked
    ? 'its self-check passed'
    : 'self-check not run: made for another processor';
  const { remedy } = kindOf(given) === 'extension' ? EXTENSION : COMMAND;
  process.stderr.write(`${megabytes} MB, ${checked}\n`);
  process.stderr.write(
    `needs glibc ${OLDEST_GLIBC} or later, so it cannot ${remedy(TOO_OLD_DISTRIBUTIONS)}\n`,
  );
  process.stdout.write(`${path}\n`);
}

const EXTENSION = {
  remedy: (names: string) => `replace the extension on ${names}: leave that one there`,
};
const COMMAND = { remedy: (names: string) => `run on ${names}` };

const COMMAND_KINDS = ['tar', 'deb', 'rpm'] as const;

/** @throws FlashfreezeError FF_USAGE */
function kindOf(given: Given): 'extension' | (typeof COMMAND_KINDS)[number] {
  const [kind, another] = COMMAND_KINDS.filter((it) => given[it] === true);
  if (another !== undefined) {
    throw new FlashfreezeError('FF_USAGE', `--${kind} and --${another}: expected one of them`);
  }
  return kind ?? 'extension';
}

async function make(given: Given, architecture: Architecture, out: string): Promise<MadeFile> {
  const { name, version } = given;
  const kind = kindOf(given);
  if (kind === 'extension') {
    return await packageExtension({
      ...parseName(name ?? DEFAULT_NAME),
      version: parseVersion(version ?? `${packageJson.version}.0`),
      architecture,
      out,
    });
  }
  if (name !== undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--name: expected without --${kind}, because it is the name of an extension`,
    );
  }
  const options = {
    version: parseProgramVersion(version ?? packageJson.version),
    ...{ architecture, out },
  };
  if (kind === 'tar') {
    return await packageArchive(options);
  }
  const { texts } = textsOf(createProgram(), options.version);
  const payload = await commandPayload(options);
  return await makePackage(kind === 'deb' ? DEB : RPM, payload, options, texts);
}

const program = new Command('package')
  .description(
    'Makes the zip that the Azure guest agent installs, or an archive or package for one machine',
  )
  .option('--tar', 'make a tar.gz for one machine, whose ./flashfreeze setup installs the command')
  .option('--deb', 'make a package for Debian, Ubuntu and others with dpkg')
  .option('--rpm', 'make a package for RHEL, SLES and others with rpm')
  .option('--name <Publisher.Type>', `name of the extension (default: ${DEFAULT_NAME})`)
  .option(
    '--version <X.Y.Z.W>',
    `version; of four numbers for the extension (default: ${packageJson.version}.0), of three or four else (default: ${packageJson.version})`,
  )
  .option('--arch <name>', `processor architecture: ${ARCHITECTURES.join(' or ')}`, process.arch)
  .option('--out <folder>', 'folder for what is made (default: build/package/<arch>)')
  .showSuggestionAfterError()
  .exitOverride()
  .action(run);

await exitOnError(() => program.parseAsync(process.argv));
