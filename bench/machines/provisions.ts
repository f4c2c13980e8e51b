import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../../src/errors.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { Debian, MIRROR, unpackKernel } from './debian.ts';
import type { Kernel } from './kernels.ts';

export const REPOSITORY = join(import.meta.dirname, '../..');
const ROOT_SUITE = 'bookworm';

/** What every machine is made of; kept outside of the tree. */
export interface Provisions {
  /** Folders to change the root into, by the kernel's name. */
  readonly kernels: Readonly<Record<string, string>>;
  readonly osImage: string;
  /** The packaged program, unpacked. */
  readonly payload: string;
  /** Where results of the program and the machines as they are now are kept. */
  readonly results: string;
}

/** `$XDG_CACHE_HOME/flashfreeze-machines`, else in /var/cache. */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  return join(environment.XDG_CACHE_HOME ?? '/var/cache', 'flashfreeze-machines');
}

/** Makes what is not there yet, telling `say` of it. Throws FF_LAB_UNAVAILABLE if packages cannot be had. */
export async function provide(
  kernels: readonly Kernel[],
  say: (line: string) => void,
): Promise<Provisions> {
  const cache = cacheDirectory(process.env);
  await mkdir(join(cache, 'kernels'), { recursive: true });
  const folders = Object.fromEntries(
    kernels.map(({ name }) => [name, join(cache, 'kernels', name)]),
  );
  const missing = kernels.filter(({ name }) => !existsSync(folders[name] ?? ''));
  if (missing.length > 0) {
    const debian = new Debian(join(cache, 'apt'));
    await debian.update();
    for (const kernel of missing) {
      say(`unpacking the kernel ${kernel.name} of ${kernel.suite}`);
      await unpackKernel(debian, kernel, folders[kernel.name] ?? '');
    }
  }
  const state = await stateOfTree();
  return {
    kernels: folders,
    osImage: await osImage(cache, say),
    payload: await payload(cache, state, say),
    results: join(cache, 'results', state),
  };
}

/** A changed recipe makes another image. */
async function osImage(cache: string, say: (line: string) => void): Promise<string> {
  const recipe = join(import.meta.dirname, 'root.sh');
  const parts = [recipe, join(import.meta.dirname, 'guest/machine-init')];
  const texts = await Promise.all(parts.map((path) => readFile(path)));
  const image = join(cache, `os-${shortHash(texts)}.img`);
  if (!existsSync(image)) {
    say('making the OS disk with debootstrap');
    const { code, stdout, stderr } = await tryCommand('unshare', [
      ...['--mount', '--propagation', 'private', '--'],
      ...['sh', recipe, ROOT_SUITE, MIRROR, image],
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

/** One is kept: that of the tree as it is now. */
async function payload(cache: string, state: string, say: (line: string) => void): Promise<string> {
  const folder = join(cache, 'payload');
  const wanted = join(folder, state);
  if (!existsSync(wanted)) {
    say('packaging the program');
    await rm(folder, { recursive: true, force: true });
    const made = join(folder, 'made');
    const packager = join(REPOSITORY, 'src/package/main.ts');
    await runCommand(process.execPath, [packager, '--tar', '--arch', 'x64', '--out', made]);
    const archive = (await readdir(made)).find((name) => name.endsWith('.tar.gz')) ?? '';
    const part = join(folder, 'part');
    await mkdir(part);
    await runCommand('tar', ['-xf', join(made, archive), '-C', part, '--strip-components=1']);
    await rename(part, wanted);
    await rm(made, { recursive: true });
  }
  return wanted;
}

/** Of everything tracked or not yet tracked that is not ignored. */
async function stateOfTree(): Promise<string> {
  const git = (...args: string[]): Promise<string> =>
    runCommand('git', ['-C', REPOSITORY, ...args]);
  const commit = await git('rev-parse', '--short=12', 'HEAD');
  const status = await git('status', '--porcelain');
  if (status === '') {
    return commit;
  }
  const changed = await git('diff', 'HEAD');
  const others = (await git('ls-files', '--others', '--exclude-standard')).split('\n');
  const texts = await Promise.all(
    others.filter((it) => it !== '').map((it) => readFile(join(REPOSITORY, it))),
  );
  return `${commit}-${shortHash([Buffer.from(status), Buffer.from(changed), ...texts])}`;
}

function shortHash(texts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const text of texts) {
    hash.update(text);
  }
  return hash.digest('hex').slice(0, 12);
}
