import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { DISK_HEADS_PATH } from '../../program-files.ts';
import { reasonOf } from '../../system/errno.ts';
import { startProgram } from '../../system/start-program.ts';
import { HEAD_BYTES, type Identity } from './evidence.ts';
import { identify } from './identify.ts';

/** A healthy disk answers within ms; a disk that has to spin up, within seconds. */
const ANSWER_LIMIT_MS = 10_000;
const { EACCES, EPERM } = constants.errno;
/** Index, errno, length: what native/disk_heads.cc puts before the bytes of a disk. */
const FRAME_BYTES = 12;

/** What the first bytes of a disk show, or why they could not be read, as a sentence. */
type DiskHead<Shown> =
  | { readonly ok: true; readonly shown: Shown }
  | { readonly ok: false; readonly reason: string; readonly isSilent: boolean };

type Unreadable = Extract<DiskHead<never>, { ok: false }>;

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
 * @param show takes the bytes of a disk as soon as they are there; they are other ones after it has returned
 * @returns for each path, in order
 */
export async function readDiskHeads<Shown>(
  devicePaths: readonly string[],
  show: (head: Uint8Array) => Shown,
  limitMs: number = ANSWER_LIMIT_MS,
): Promise<DiskHead<Shown>[]> {
  if (devicePaths.length === 0) {
    return [];
  }
  const cannotBeRead = (path: string, why: string): Unreadable =>
    unreadable(`${path} cannot be read: ${DISK_HEADS_PATH} ${why}`);
  const child = await startProgram(DISK_HEADS_PATH, [String(HEAD_BYTES), ...devicePaths], {
    cwd: '/',
    detached: true,
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  }).catch(reasonOf);
  if (typeof child === 'string') {
    return devicePaths.map((path) => cannotBeRead(path, `could not be started (${child})`));
  }
  const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
  const limit = setTimeout(() => giveUp(undefined), limitMs);
  const heads = new Map<number, DiskHead<Shown>>();
  child.stdout?.on(
    'data',
    frameReader((index, errno, content) => {
      const path = devicePaths[index] ?? '';
      heads.set(
        index,
        errno === 0
          ? { ok: true, shown: show(content) }
          : unreadable(`${path} cannot be read as a block device (${content}): ${remedyOf(errno)}`),
      );
    }),
  );
  const ending = await Promise.race([endOf(child), late]);
  clearTimeout(limit);
  child.stdout?.destroy();
  child.unref();
  child.kill('SIGKILL');
  return devicePaths.map(
    (path, index) =>
      heads.get(index) ??
      (ending === undefined ? silent(path, limitMs) : cannotBeRead(path, ending)),
  );
}

/** Resolves to how the reader ended, as the end of a sentence. */
async function endOf(child: ChildProcess): Promise<string> {
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return `ended with ${code ?? signal}`;
}

/**
 * Puts frames together, however their bytes arrive. All use the same memory, which takes tens of MB less with many disks.
 *
 * @param onFrame called with each frame as soon as it is whole
 * @returns takes the next bytes of standard output
 */
function frameReader(
  onFrame: (index: number, errno: number, content: Buffer) => void,
): (chunk: Buffer) => void {
  const frame = Buffer.alloc(FRAME_BYTES + HEAD_BYTES);
  const wholeBytes = (): number => FRAME_BYTES + frame.readUInt32LE(8);
  let filled = 0;
  return (chunk) => {
    for (let taken = 0; taken < chunk.length; ) {
      const wanted = filled < FRAME_BYTES ? FRAME_BYTES : wholeBytes();
      const copied = chunk.copy(frame, filled, taken, taken + wanted - filled);
      taken += copied;
      filled += copied;
      if (filled >= FRAME_BYTES && filled === wholeBytes()) {
        filled = 0;
        const [index, errno] = [frame.readUInt32LE(0), frame.readInt32LE(4)];
        onFrame(index, errno, frame.subarray(FRAME_BYTES, wholeBytes()));
      }
    }
  };
}

function remedyOf(errno: number): string {
  return [EACCES, EPERM].includes(errno)
    ? 'a security policy denies it to root: look in the audit log for what it denied, and allow flashfreeze to read the disk'
    : 'check that the disk is attached';
}

function unreadable(reason: string): Unreadable {
  return { ok: false, reason, isSilent: false };
}

function silent(devicePath: string, limitMs: number): Unreadable {
  const reason = `${devicePath} did not answer within ${limitMs / 1_000} s when its first bytes were read`;
  return { ok: false, reason, isSilent: true };
}

/** The identities of local disks, in order; of a disk that cannot be read it is `unreadable`, which is not an error. */
export async function identifyDisks(
  devicePaths: readonly string[],
  limitMs?: number,
): Promise<Identity[]> {
  return (await readDiskHeads(devicePaths, identify, limitMs)).map((result): Identity => {
    if (result.ok) {
      return result.shown;
    }
    const { reason, isSilent } = result;
    return { state: 'unreadable', reason, ...(isSilent && { isSilent }) };
  });
}
