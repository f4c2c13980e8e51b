import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import type { NativePrograms } from './native-programs.ts';
import type { NodeRuntime } from './node-runtime.ts';
import type { Architecture } from './options.ts';
import type { PayloadFile } from './payload-file.ts';
import { WORK } from './repository.ts';
import {
  neededLibraries,
  neededSymbols,
  neededVersions,
  OLDEST_GLIBC,
  tooNew,
} from './symbol-versions.ts';
import { runTool, toolFor } from './tools.ts';

/** Libraries that Node.js itself needs from a distribution, so the addon may use them too. */
const GIVEN_LIBRARIES =
  /^(?:libc\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libpthread\.so\.0|ld-linux-.*)$/;

/**
 * The executables of the payload, without what only a debugger uses.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED if one of them would not run on a supported
 * distribution
 */
export async function programFiles(
  architecture: Architecture,
  runtime: NodeRuntime,
  { addon, guardian, diskHeads }: NativePrograms,
): Promise<PayloadFile[]> {
  await requireOldGlibc(architecture, runtime.executable);
  await requireOldGlibc(architecture, addon);
  await requireLibraries(addon, GIVEN_LIBRARIES);
  await requireLibraries(guardian, /^$/);
  await requireLibraries(diskHeads, /^$/);
  return [
    await stripped(architecture, 'node', runtime.executable),
    await stripped(architecture, 'flashfreeze.node', addon),
    await stripped(architecture, 'flashfreeze-guardian', guardian),
    await stripped(architecture, 'flashfreeze-disk-heads', diskHeads),
  ];
}

async function requireOldGlibc(architecture: Architecture, program: string): Promise<void> {
  const versions = await runTool(toolFor(architecture, 'objdump'), ['-p', program]);
  if (tooNew(neededVersions(versions)).length === 0) {
    return;
  }
  // Node.js exports so many symbols that listing them takes seconds.
  const symbols = neededSymbols(await runTool('readelf', ['--dyn-syms', '-W', program]));
  const names = tooNew(symbols).map(({ name, version }) => `${name} (${version})`);
  throw new FlashfreezeError(
    'FF_PACKAGE_FAILED',
    `${program} needs a glibc newer than ${OLDEST_GLIBC}: ${names.join(', ')}; see native/old_glibc.cc`,
  );
}

async function requireLibraries(program: string, given: RegExp): Promise<void> {
  const libraries = neededLibraries(await runTool('readelf', ['--dynamic', '-W', program]));
  const others = libraries.filter((name) => !given.test(name));
  if (others.length > 0) {
    throw new FlashfreezeError(
      'FF_PACKAGE_FAILED',
      `${program} is linked with ${others.join(', ')}, which a distribution may not have; build it (npm ci) on a machine whose g++ can link statically`,
    );
  }
}

async function stripped(
  architecture: Architecture,
  path: string,
  program: string,
): Promise<PayloadFile> {
  await mkdir(WORK, { recursive: true });
  const folder = await mkdtemp(join(WORK, 'strip-'));
  try {
    const output = join(folder, path);
    // The build's id depends on where it was built.
    const options = ['--strip-all', '--remove-section=.note.gnu.build-id'];
    await runTool(toolFor(architecture, 'strip'), [...options, '-o', output, program]);
    return { path, content: await readFile(output), isExecutable: path !== 'flashfreeze.node' };
  } finally {
    await rm(folder, { recursive: true });
  }
}
