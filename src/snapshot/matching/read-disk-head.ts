import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { HEAD_BYTES, type Identity } from './evidence.ts';
import { identify } from './identify.ts';

/** A healthy disk answers within ms; a disk that has to spin up, within seconds. */
const ANSWER_LIMIT_MS = 10_000;

/** The first bytes of a disk, or why they could not be read, as a sentence. */
type DiskHead =
  | { readonly ok: true; readonly head: Uint8Array }
  | { readonly ok: false; readonly reason: string; readonly isSilent: boolean };

/**
 * Reads the first `HEAD_BYTES` of a block device; fewer if the device is smaller. Never rejects.
 *
 * A separate process reads it, because a thread that hangs in the read of a dead disk would prevent this process from
 * ending, and would block one of the few threads of libuv's pool. A process that hangs is left behind: it is killed,
 * which takes effect when the kernel gives the read up.
 *
 * It reads past the page cache of the disk, which can be older than what is written by other ways: through a partition's
 * own node, by XFS's buffers, or through a multipath device. While that holds its paths open, the cache of a path
 * keeps what it showed before the disk was formatted, and a run was refused because the blob is of no disk (FF_BLOB_FOREIGN).
 */
export async function readDiskHead(
  devicePath: string,
  limitMs: number = ANSWER_LIMIT_MS,
): Promise<DiskHead> {
  const { promise, resolve } = Promise.withResolvers<DiskHead>();
  const fail = (reason: string, isSilent = false): void => resolve({ ok: false, reason, isSilent });
  const child = spawn(...readerOf(devicePath), {
    cwd: '/',
    detached: true,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const limit = setTimeout(
    () =>
      fail(
        `${devicePath} did not answer within ${limitMs / 1_000} s when its first bytes were read`,
        true,
      ),
    limitMs,
  );
  const head: Buffer[] = [];
  const said: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => head.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  child.on('error', ({ message }) => fail(`${devicePath} cannot be read: ${message}`));
  child.on('close', (code) =>
    code === 0
      ? resolve({ ok: true, head: Buffer.concat(head) })
      : fail(describeError(devicePath, Buffer.concat(said).toString())),
  );
  const result = await promise;
  clearTimeout(limit);
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  child.kill('SIGKILL');
  return result;
}

/** Program and arguments. What is no block device has no cache but its own. */
function readerOf(path: string): [string, string[]] {
  if (statSync(path, { throwIfNoEntry: false })?.isBlockDevice() !== true) {
    return ['head', ['-c', String(HEAD_BYTES), '--', path]];
  }
  const once = [`bs=${HEAD_BYTES}`, 'count=1', 'iflag=direct,fullblock', 'status=none'];
  return ['dd', [`if=${path}`, ...once]];
}

/** @param said what head(1) or dd(1) printed: `head: cannot open '/dev/x' for reading: No such file or directory` */
function describeError(devicePath: string, said: string): string {
  const why = said.trim().split(': ').at(-1) || 'unknown error';
  return `${devicePath} cannot be read as a block device (${why}): check that the disk is attached`;
}

/** The identity of a local disk; if it cannot be read, it is `unreadable`, which is not an error. */
export async function identifyDisk(devicePath: string, limitMs?: number): Promise<Identity> {
  const result = await readDiskHead(devicePath, limitMs);
  if (result.ok) {
    return identify(result.head);
  }
  const { reason, isSilent } = result;
  return { state: 'unreadable', reason, ...(isSilent && { isSilent }) };
}
