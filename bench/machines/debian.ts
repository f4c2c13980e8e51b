import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../../src/errors.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { KERNELS, type Kernel } from './kernels.ts';

export const MIRROR = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export type DebianArchitecture = 'amd64' | 'arm64';

/**
 * An apt of its own beside the machine's, for packages of other releases. It only downloads: nothing is
 * installed through it, and its configuration is handed to single commands and stays in no environment.
 */
export class Debian {
  readonly #directory: string;
  readonly #architecture: DebianArchitecture;

  /** @param directory where lists are kept, of that architecture alone */
  constructor(directory: string, architecture: DebianArchitecture) {
    this.#directory = directory;
    this.#architecture = architecture;
  }

  /** The packages that hold the cloud kernel of that release and its modules. */
  async kernelPackages(suite: string): Promise<string[]> {
    const found: string[] = [];
    const waiting = [`linux-image-cloud-${this.#architecture}`];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const release = ['-o', `APT::Default-Release=${suite}`];
      const said = await this.#apt('apt-cache', ['depends', '--important', ...release, next]);
      const below = [...said.matchAll(/Depends: (linux-(?:image|binary|modules)-\d\S*)$/gm)];
      const names = below.map(([, name = '']) => name).filter((name) => !found.includes(name));
      found.push(...names);
      waiting.push(...names);
    }
    return found;
  }

  /** Unpacks a package of that release over a folder. Throws FF_LAB_UNAVAILABLE if it cannot be had. */
  async unpack(name: string, suite: string, folder: string): Promise<void> {
    const downloads = await mkdtemp(join(this.#directory, 'download-'));
    try {
      await this.#apt('apt-get', ['download', '-q', `${name}/${suite}`], downloads);
      for (const file of await readdir(downloads)) {
        await runCommand('dpkg-deb', ['--extract', join(downloads, file), folder]);
      }
    } finally {
      await rm(downloads, { recursive: true, force: true });
    }
  }

  /** To be called once before packages are unpacked. */
  async update(): Promise<void> {
    for (const part of [
      'etc/apt.conf.d',
      'etc/preferences.d',
      'lib/lists/partial',
      'cache/archives/partial',
    ]) {
      await mkdir(join(this.#directory, part), { recursive: true });
    }
    const suites = KERNELS.map(
      ({ suite }) => `deb [signed-by=${KEYRING}] ${MIRROR} ${suite} main\n`,
    );
    await writeFile(join(this.#directory, 'etc/sources.list'), suites.join(''));
    await writeFile(join(this.#directory, 'lib/status'), '');
    await writeFile(
      join(this.#directory, 'apt.conf'),
      configuration(this.#directory, this.#architecture),
    );
    await this.#apt('apt-get', ['update', '-q']);
  }

  async #apt(
    program: 'apt-get' | 'apt-cache',
    args: readonly string[],
    folder = this.#directory,
  ): Promise<string> {
    const { code, stdout, stderr } = await tryCommand('env', [
      ...['-C', folder, `APT_CONFIG=${join(this.#directory, 'apt.conf')}`, program],
      ...args,
    ]);
    if (code !== 0) {
      throw new FlashfreezeError(
        'FF_LAB_UNAVAILABLE',
        `${program} ${args.join(' ')} ended with ${code}; expected packages of Debian from ${MIRROR}: ${stderr.trim().slice(-400)}`,
      );
    }
    return stdout;
  }
}

function configuration(directory: string, architecture: DebianArchitecture): string {
  return [
    `Dir "${directory}";`,
    'Dir::Etc "etc";',
    'Dir::Etc::sourcelist "sources.list";',
    'Dir::Etc::sourceparts "none";',
    'Dir::State "lib";',
    `Dir::State::status "${join(directory, 'lib/status')}";`,
    'Dir::Cache "cache";',
    'APT::Sandbox::User "root";',
    `APT::Architecture "${architecture}";`,
    'Acquire::Languages "none";',
    // A mirror that is behind is good enough for a test.
    'Acquire::Check-Valid-Until "false";',
    '',
  ].join('\n');
}

/** Programs, modules and C library of a kernel: a folder to change the root into. */
export async function unpackKernel(
  debian: Debian,
  { suite }: Kernel,
  folder: string,
): Promise<void> {
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  // The C library asks for libgcc when a thread ends.
  for (const name of ['user-mode-linux', 'libc6', 'libgcc-s1']) {
    await debian.unpack(name, suite, part);
  }
  // Releases differ in whether the package or the machine merges these folders.
  await runCommand('sh', [
    ...[
      '-c',
      'cd "$1"; for d in lib lib64; do [ -e $d ] || ln -s usr/$d $d; done; mkdir -p proc dev tmp work repo',
    ],
    ...['sh', part],
  ]);
  await rename(part, folder);
}
