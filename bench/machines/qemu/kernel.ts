import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runCommand } from '../../../src/lab/run-command.ts';
import type { Debian } from '../debian.ts';
import type { Kernel } from '../kernels.ts';

/** What the root file system and the shared folders lie behind; the rest is loaded from a shared folder. */
const EARLY_MODULES = ['virtio_pci', 'virtio_scsi', 'sd_mod', 'nvme', 'virtio_net', 'virtiofs'];
const BUSYBOX_SUITE = 'bookworm';
export const INIT = join(import.meta.dirname, '../guest/qemu/init');

/** Makes a folder with `vmlinuz`, `initrd` and `lib/modules/<release>` of Debian's cloud kernel of that suite. */
export async function unpackCloudKernel(
  debian: Debian,
  { suite }: Kernel,
  folder: string,
): Promise<void> {
  const part = `${folder}.part`;
  const tree = join(part, 'tree');
  await rm(part, { recursive: true, force: true });
  await mkdir(tree, { recursive: true });
  for (const name of await debian.kernelPackages(suite)) {
    await debian.unpack(name, suite, tree);
  }
  await debian.unpack('busybox-static', BUSYBOX_SUITE, join(part, 'busybox'));
  await runCommand('sh', ['-c', GATHER, 'sh', part]);
  const [release = ''] = await readdir(join(part, 'lib/modules'));
  await runCommand('depmod', ['--basedir', part, release]);
  await makeInitramfs(part, release);
  await rm(tree, { recursive: true });
  await rm(join(part, 'busybox'), { recursive: true });
  await rename(part, folder);
}

/** Releases differ in where they keep the kernel and its modules. */
const GATHER = `cd "$1"
mv "$(find tree -name 'vmlinuz*' -type f | head -n 1)" vmlinuz
mkdir -p lib/modules
for folder in tree/lib/modules/* tree/usr/lib/modules/*; do
  [ ! -d "$folder" ] || cp -r "$folder" lib/modules/
done`;

/** Modules in the order in which they are to be loaded, beside a busybox and the first process. */
async function makeInitramfs(folder: string, release: string): Promise<void> {
  const root = join(folder, 'initramfs');
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'modules'));
  const modules = join(folder, 'lib/modules', release);
  const wanted = modulesInOrder(
    await readFile(join(modules, 'modules.dep'), 'utf8'),
    EARLY_MODULES,
  );
  for (const [index, path] of wanted.entries()) {
    const target = join(root, 'modules', `${String(index).padStart(2, '0')}-${basename(path)}`);
    await runCommand('cp', [join(modules, path), target]);
    if (target.endsWith('.xz')) {
      await runCommand('xz', ['--decompress', target]);
    }
  }
  await runCommand('cp', [join(folder, 'busybox/bin/busybox'), join(root, 'bin/busybox')]);
  await runCommand('install', ['-m', '755', INIT, join(root, 'init')]);
  await writeFile(join(root, 'release'), `${release}\n`);
  const archive = 'cd "$1" && find . | busybox cpio -o -H newc >"$2"';
  await runCommand('sh', ['-c', archive, 'sh', root, join(folder, 'initrd')]);
  await rm(root, { recursive: true });
}

/**
 * Paths of modules by `modules.dep`, each behind those that it needs. A name that is not there is built in. Pure.
 *
 * @param dep lines of `kernel/a.ko: kernel/b.ko kernel/c.ko`, where c is to be loaded before b
 */
export function modulesInOrder(dep: string, names: readonly string[]): string[] {
  const lines = dep.split('\n').map((line) => line.split(/:? +|:$/).filter((it) => it !== ''));
  const pathOf = new Map(lines.map(([path = '']) => [nameOf(path), path]));
  const needs = new Map(lines.map(([path = '', ...below]) => [path, below]));
  const wanted = names.flatMap((name) => {
    const path = pathOf.get(name);
    return path === undefined ? [] : [...[...(needs.get(path) ?? [])].reverse(), path];
  });
  return [...new Set(wanted)];
}

function nameOf(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}
