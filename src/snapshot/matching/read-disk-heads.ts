import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { DISK_HEADS_PATH } from '../../program-files.ts';
import { HEAD_BYTES, type Identity } from './evidence.ts';
import { identify } from './identify.ts';

/** A healthy disk answers within ms; a disk that has to spin up, within seconds. */
const ANSWER_LIMIT_MS = 10_000;
const { EACCES, EPERM } = constants.errno;
/** Index, errno, length: what native/disk_heads.cc puts before the bytes of a disk. */
const FRAME_BYTES = 12;

/** The first bytes of a disk, or why they could not be read, as a sentence. */
type DiskHead =
  | { readonly ok: true; readonly head: Uint8Array }
  | { readonly ok: false; readonly reason: string; readonly isSilent: boolean };

/**
 * Reads the first `HEAD_BYTES` of block devices, all at once; fewer of a device that is smaller. Never rejects.
 *
 * A separate process reads them, because a thread that hangs in the read of a dead disk would prevent this process from
 * ending, and would block one of the few threads of libuv's pool. If it hangs, it is left behind: it is killed,
 * which takes effect when the kernel gives the read up.
 *
 * It reads past the page cache of the disk, which can be older than what is written by other ways: through a partition's
 * own node, by XFS's buffers, or through a multipath device. While that holds its paths open, the cache of a path
 * keeps what it showed before the disk was formatted, and a run was refused because the blob is of no disk (FF_BLOB_FOREIGN).
 *
 * @returns for each path, in order
 */
export async function readDiskHeads(
  devicePaths: readonly string[],
  limitMs: number = ANSWER_LIMIT_MS,
): Promise<DiskHead[]> {
  if (devicePaths.length === 0) {
    return [];
  }
  const child = spawn(DISK_HEADS_PATH, [String(HEAD_BYTES), ...devicePaths], {
    cwd: '/',
    detached: true,
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
  const limit = setTimeout(() => giveUp(undefined), limitMs);
  const heads = new Map<number, DiskHead>();
  child.stdout.on('data', frameReader(devicePaths, heads));
  const ending = await Promise.race([endOf(child), late]);
  clearTimeout(limit);
  child.stdout.destroy();
  child.unref();
  child.kill('SIGKILL');
  return devicePaths.map(
    (path, index) =>
      heads.get(index) ??
      (ending === undefined
        ? silent(path, limitMs)
        : unreadable(`${path} cannot be read: ${DISK_HEADS_PATH} ${ending}`)),
  );
}

/** Resolves to how the reader ended, as the end of a sentence. */
async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return `ended with ${code ?? signal}`;
  } catch (error) {
    return `could not be started (${error instanceof Error ? error.message : error})`;
  }
}

/** @returns takes the next bytes of standard output, and enters each disk as soon as its frame is whole */
function frameReader(
  devicePaths: readonly string[],
  heads: Map<number, DiskHead>,
): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= FRAME_BYTES) {
      const end = FRAME_BYTES + rest.readUInt32LE(8);
      if (rest.length < end) {
        return;
      }
      const index = rest.readUInt32LE(0);
      const content = rest.subarray(FRAME_BYTES, end);
      const errno = rest.readInt32LE(4);
      heads.set(
        index,
        errno === 0
          ? { ok: true, head: content }
          : unreadable(
              `${devicePaths[index]} cannot be read as a block device (${content}): ${remedyOf(errno)}`,
            ),
      );
      rest = rest.subarray(end);
    }
  };
}

function remedyOf(errno: number): string {
  return [EACCES, EPERM].includes(errno)
    ? 'a security policy denies it to root: look in the audit log for what it denied, and allow flashfreeze to read the disk'
    : 'check that the disk is attached';
}

function unreadable(reason: string): DiskHead {
  return { ok: false, reason, isSilent: false };
}

function silent(devicePath: string, limitMs: number): DiskHead {
  const reason = `${devicePath} did not answer within ${limitMs / 1_000} s when its first bytes were read`;
  return { ok: false, reason, isSilent: true };
}

/** The identities of local disks, in order; of a disk that cannot be read it is `unreadable`, which is not an error. */
export async function identifyDisks(
  devicePaths: readonly string[],
  limitMs?: number,
): Promise<Identity[]> {
  return (await readDiskHeads(devicePaths, limitMs)).map((result): Identity => {
    if (result.ok) {
      return identify(result.head);
    }
    const { reason, isSilent } = result;
    return { state: 'unreadable', reason, ...(isSilent && { isSilent }) };
  });
}
