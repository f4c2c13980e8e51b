/** `npm run package [-- options]`: makes the zip that the Azure guest agent installs. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { exitOnError } from '../commands/exit.ts';
import {
  ARCHITECTURES,
  DEFAULT_NAME,
  parseArchitecture,
  parseName,
  parseVersion,
} from './options.ts';
import { packageExtension } from './package-extension.ts';
import { OLDEST_GLIBC, TOO_OLD_DISTRIBUTIONS } from './symbol-versions.ts';

interface Given {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly out?: string;
}

async function run({ name, version, arch, out }: Given): Promise<void> {
  const architecture = parseArchitecture(arch);
  const packaged = await packageExtension({
    ...parseName(name),
    version: parseVersion(version),
    architecture,
    out: resolve(out ?? `build/package/${architecture}`),
  });
  const megabytes = (packaged.bytes / 1e6).toFixed(1);
  const checked = packaged.isChecked
    ? 'its self-check passed'
    : 'self-check not run: made for another processor';
  process.stderr.write(`${megabytes} MB, ${checked}\n`);
  process.stderr.write(
    `needs glibc ${OLDEST_GLIBC} or later, so it cannot replace the extension on ${TOO_OLD_DISTRIBUTIONS}: leave that one there\n`,
  );
  process.stdout.write(`${packaged.zip}\n`);
}

const program = new Command('package')
  .description('Makes the zip that the Azure guest agent installs')
  .option('--name <Publisher.Type>', 'name of the extension', DEFAULT_NAME)
  .option('--version <X.Y.Z.W>', 'version of the extension', `${packageJson.version}.0`)
  .option('--arch <name>', `processor architecture: ${ARCHITECTURES.join(' or ')}`, process.arch)
  .option('--out <folder>', 'folder for the zip and manifest.xml (default: build/package/<arch>)')
  .showSuggestionAfterError()
  .exitOverride()
  .action(run);

await exitOnError(() => program.parseAsync(process.argv));
