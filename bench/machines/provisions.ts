import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FlashfreezeError } from '../../src/errors.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import type { Architecture } from '../../src/package/options.ts';
import { keepLock } from '../../test/kept-lock.ts';
import type { AnyMachine, Pairing } from './any-machine.ts';
import { Debian, type DebianArchitecture, MIRROR, unpackKernel } from './debian.ts';
import type { Kernel } from './kernels.ts';
import { INIT, unpackCloudKernel } from './qemu/kernel.ts';

export const REPOSITORY = join(import.meta.dirname, '../..');
const ROOT_SUITE = 'bookworm';
/** How long a packaged program is kept: longer than the longest run. */
const KEPT_MS = 24 * 3_600_000;

/** What a machine is made of; kept outside of the tree. */
export interface Made {
  /** Folder: for User Mode Linux what to change the root into, for QEMU what `unpackCloudKernel` makes. */
  readonly kernel: string;
  readonly osImage: string;
  /** The packaged program, unpacked. */
  readonly payload: string;
}

export interface Provisions {
  /** In their order. */
  readonly pairings: readonly (Pairing & { readonly made: Made })[];
  /** Where results of the program and the machines as they are now are kept. */
  readonly results: string;
}

/** `$XDG_CACHE_HOME/flashfreeze-machines`, else in /var/cache. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  return join(environment.XDG_CACHE_HOME ?? '/var/cache', 'flashfreeze-machines');
}

/** Makes what is not there yet, telling `say` of it; another run waits meanwhile. Throws FF_LAB_UNAVAILABLE if packages cannot be had. */
export async function provide(
  pairings: readonly Pairing[],
  say: (line: string) => void,
): Promise<Provisions> {
  const cache = cacheDirectory(process.env);
  await mkdir(cache, { recursive: true });
  await using _turn = await keepLock(join(cache, 'making.lock'), 'exclusive');
  const state = await stateOfTree();
  const kernels = new KernelStore(cache, say);
  const made: (Pairing & { readonly made: Made })[] = [];
  for (const pairing of pairings) {
    const architecture = architectureOf(pairing.machine);
    made.push({
      ...pairing,
      made: {
        kernel: await kernels.folderFor(pairing),
        osImage: await osImage(cache, architecture, say),
        payload: await payload(cache, state, architecture, say),
      },
    });
  }
  return { pairings: made, results: join(cache, 'results', state) };
}

function architectureOf(machine: AnyMachine): DebianArchitecture {
  return machine.kind === 'qemu' ? machine.architecture : 'amd64';
}

/** Kernels that are unpacked, or are to be. */
class KernelStore {
  readonly #cache: string;
  readonly #say: (line: string) => void;
  readonly #debians = new Map<DebianArchitecture, Debian>();

  constructor(cache: string, say: (line: string) => void) {
    this.#cache = cache;
    this.#say = say;
  }

  async folderFor({ machine, kernel }: Pairing): Promise<string> {
    const folder = join(this.#cache, await folderName(machine, kernel));
    if (!existsSync(folder)) {
      this.#say(`unpacking the kernel ${kernel.name} of ${kernel.suite} (${machine.kind})`);
      await mkdir(dirname(folder), { recursive: true });
      const unpack = machine.kind === 'uml' ? unpackKernel : unpackCloudKernel;
      await unpack(await this.#debian(architectureOf(machine)), kernel, folder);
    }
    return folder;
  }

  async #debian(architecture: DebianArchitecture): Promise<Debian> {
    const known = this.#debians.get(architecture);
    if (known !== undefined) {
      return known;
    }
    const name = architecture === 'amd64' ? 'apt' : `apt-${architecture}`;
    const debian = new Debian(join(this.#cache, name), architecture);
    await debian.update();
    this.#debians.set(architecture, debian);
    return debian;
  }
}

/** The initramfs is made with the kernel: one that does something else has another name. */
async function folderName(machine: AnyMachine, kernel: Kernel): Promise<string> {
  switch (machine.kind) {
    case 'uml':
      return `kernels/${kernel.name}`;
    case 'qemu': {
      const recipe = shortHash([await readFile(INIT)]);
      return `kernels-qemu/${kernel.name}-${machine.architecture}-${recipe}`;
    }
  }
}

/** A changed recipe makes another image. */
async function osImage(
  cache: string,
  architecture: DebianArchitecture,
  say: (line: string) => void,
): Promise<string> {
  const recipe = join(import.meta.dirname, 'root.sh');
  const parts = [recipe, join(import.meta.dirname, 'guest/machine-init')];
  const texts = await Promise.all(parts.map((path) => readFile(path)));
  const image = join(cache, `os-${architecture}-${shortHash(texts)}.img`);
  if (!existsSync(image)) {
    say(`making the OS disk of ${architecture} with debootstrap`);
    const { code, stdout, stderr } = await tryCommand('unshare', [
      ...['--mount', '--propagation', 'private', '--'],
      ...['sh', recipe, ROOT_SUITE, MIRROR, image, architecture],
    ]);
    if (code !== 0) {
      throw new FlashfreezeError(
        'FF_LAB_UNAVAILABLE',
        `The OS disk could not be made by debootstrap (exit code ${code}): ${`${stdout}${stderr}`.trim().slice(-600)}`,
      );
    }
  }
  return image;
}

const PACKAGED = { amd64: 'x64', arm64: 'arm64' } as const satisfies Record<
  DebianArchitecture,
  Architecture
>;

/** Those of the tree as it is now are kept. */
async function payload(
  cache: string,
  state: string,
  architecture: DebianArchitecture,
  say: (line: string) => void,
): Promise<string> {
  const folder = join(cache, 'payload');
  const wanted = join(folder, state, architecture);
  if (!existsSync(wanted)) {
    say(`packaging the program for ${architecture}`);
    await removeOld(folder);
    const made = join(folder, 'made');
    const part = join(folder, 'part');
    for (const unfinished of [made, part]) {
      await rm(unfinished, { recursive: true, force: true });
    }
    const packager = join(REPOSITORY, 'src/package/main.ts');
    const target = ['--arch', PACKAGED[architecture], '--out', made];
    await runCommand(process.execPath, [packager, '--tar', ...target]);
    const archive = (await readdir(made)).find((name) => name.endsWith('.tar.gz')) ?? '';
    await mkdir(part);
    await runCommand('tar', ['-xf', join(made, archive), '-C', part, '--strip-components=1']);
    await mkdir(dirname(wanted), { recursive: true });
    await rename(part, wanted);
    await rm(made, { recursive: true });
  }
  return wanted;
}

/** A run of another state of the tree may be using what is younger. */
async function removeOld(folder: string): Promise<void> {
  const sinceMs = Date.now() - KEPT_MS;
  for (const name of existsSync(folder) ? await readdir(folder) : []) {
    const path = join(folder, name);
    if ((await stat(path)).mtimeMs < sinceMs) {
      await rm(path, { recursive: true });
    }
  }
}

/** Of all files that are not ignored, except tests and documents: no result depends on those. */
async function stateOfTree(): Promise<string> {
  const listed = await runCommand('git', [
    ...['-C', REPOSITORY, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    ...['--', '.', ':(exclude)test', ':(exclude,glob)**/*.md'],
  ]);
  const names = [...new Set(listed.split('\0'))].filter((name) => name !== '').sort();
  // One that is listed may have been deleted.
  const present = names.filter((name) => existsSync(join(REPOSITORY, name)));
  const texts = await Promise.all(
    present.map(async (name) => [Buffer.from(`${name}\n`), await readFile(join(REPOSITORY, name))]),
  );
  return shortHash(texts.flat());
}

function shortHash(texts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const text of texts) {
    hash.update(text);
  }
  return hash.digest('hex').slice(0, 12);
}
