import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { FlashfreezeError } from '../errors.ts';
import { SHIM } from './manifest.ts';
import type { PayloadFile } from './payload-file.ts';
import { WORK } from './repository.ts';

/** As small as the environment that the guest agent sets. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C' };
const TIME_LIMIT_MS = 60_000;

/**
 * Unpacks the payload and runs its self-check, which starts every part of it.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED with the error output of the payload
 */
export async function checkThatItLoads(files: readonly PayloadFile[]): Promise<void> {
  const folder = await mkdtemp(join(WORK, 'check-'));
  try {
    await unpack(files, folder);
    await runPayload(folder, ['self-check']);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Writes the files as the guest agent unpacks them: it makes every file executable. */
export async function unpack(files: readonly PayloadFile[], folder: string): Promise<void> {
  for (const { path, content } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content, { mode: 0o755 });
  }
}

async function runPayload(folder: string, args: readonly string[]): Promise<void> {
  const child = spawn(join(folder, SHIM), args, {
    cwd: '/',
    env: ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIME_LIMIT_MS,
  });
  const [said, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) {
    throw new FlashfreezeError(
      'FF_PACKAGE_FAILED',
      `the payload does not run: ${SHIM} ${args.join(' ')} ended with ${signal ?? code}: ${said.trim()}`,
    );
  }
}
