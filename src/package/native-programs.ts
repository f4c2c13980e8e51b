import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import { ADDON_PATH, DISK_HEADS_PATH, GUARDIAN_PATH } from '../program-files.ts';
import type { NodeRuntime } from './node-runtime.ts';
import type { Architecture } from './options.ts';
import { REPOSITORY, WORK } from './repository.ts';
import { runTool, toolFor } from './tools.ts';

export interface NativePrograms {
  readonly addon: string;
  readonly guardian: string;
  readonly diskHeads: string;
}

/**
 * The addon, the guardian and the reader of disks for an architecture: as `npm ci` has built them, or built with a
 * cross-compiler.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED
 */
export async function nativePrograms(
  architecture: Architecture,
  runtime: NodeRuntime,
): Promise<NativePrograms> {
  if (architecture !== process.arch) {
    return await crossBuild(architecture, runtime);
  }
  const missing = [ADDON_PATH, GUARDIAN_PATH, DISK_HEADS_PATH].find((path) => !existsSync(path));
  if (missing !== undefined) {
    throw new FlashfreezeError('FF_PACKAGE_FAILED', `${missing} is missing; npm ci builds it`);
  }
  return { addon: ADDON_PATH, guardian: GUARDIAN_PATH, diskHeads: DISK_HEADS_PATH };
}

/** In a folder of links to the sources, because node-gyp builds into the folder of binding.gyp. */
async function crossBuild(
  architecture: Architecture,
  { folder: nodedir }: NodeRuntime,
): Promise<NativePrograms> {
  const tree = join(WORK, `native-${architecture}`);
  await mkdir(tree, { recursive: true });
  for (const name of ['binding.gyp', 'native', 'node_modules', 'package.json']) {
    await link(join(REPOSITORY, name), join(tree, name));
  }
  const args = ['configure', 'build', `--arch=${architecture}`, `--nodedir=${nodedir}`, '--silent'];
  await runTool(toolFor(architecture, 'g++'), ['--version']);
  const compilers = { CC: toolFor(architecture, 'gcc'), CXX: toolFor(architecture, 'g++') };
  await runTool(join(REPOSITORY, 'node_modules/.bin/node-gyp'), args, {
    cwd: tree,
    env: { ...process.env, ...compilers },
  });
  const release = join(tree, 'build/Release');
  return {
    addon: join(release, 'flashfreeze.node'),
    guardian: join(release, 'flashfreeze-guardian'),
    diskHeads: join(release, 'flashfreeze-disk-heads'),
  };
}

async function link(target: string, path: string): Promise<void> {
  if (!existsSync(path)) {
    await symlink(target, path);
  }
}
