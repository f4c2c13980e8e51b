import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FlashfreezeError } from '../../errors.ts';
import { HEAD_BYTES, type Identity } from './evidence.ts';
import { identify } from './identify.ts';

/** A healthy disk answers within ms; a disk that has to spin up, within seconds. */
const ANSWER_LIMIT_MS = 10_000;

/**
 * Reads the first `HEAD_BYTES` of a block device; fewer if the device is smaller. Opens it read-only; Node
 * opens everything with O_CLOEXEC.
 *
 * The kernel answers from the page cache of the whole disk, which can be older than data written by other
 * paths: through a partition's own node, by XFS's buffers, by direct I/O. The compared fields are written
 * when a disk is formatted, so the worst effect of an old cache is a missing match.
 *
 * @throws FlashfreezeError FF_DEVICE_NOT_FOUND with the errno, if it cannot be opened or read
 */
export async function readDiskHead(devicePath: string): Promise<Uint8Array> {
  await using device = await systemCall(devicePath, open(devicePath, constants.O_RDONLY));
  return await systemCall(devicePath, readHead(device));
}

/**
 * Whether a device answers. A separate process reads it, because a thread that hangs in the read of a dead disk
 * would prevent this process from ending, and would block one of the few threads of libuv's pool.
 */
async function answers(devicePath: string, limitMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn('head', ['-c', String(HEAD_BYTES), devicePath], {
    cwd: '/',
    detached: true,
    stdio: 'ignore',
  });
  const limit = setTimeout(() => resolve(false), limitMs);
  // If head(1) is missing, the answer is unknown; if it ends, the device has answered, even with an error.
  child.on('error', () => resolve(true));
  child.on('exit', () => resolve(true));
  const isAnswered = await promise;
  clearTimeout(limit);
  child.unref();
  child.kill('SIGKILL');
  return isAnswered;
}

/** The identity of a local disk; if it cannot be read, it is `unreadable`, which is not an error. */
export async function identifyDisk(
  devicePath: string,
  limitMs: number = ANSWER_LIMIT_MS,
): Promise<Identity> {
  if (!(await answers(devicePath, limitMs))) {
    const reason = `${devicePath} did not answer within ${limitMs / 1_000} s when its first bytes were read`;
    return { state: 'unreadable', reason };
  }
  try {
    return identify(await readDiskHead(devicePath));
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return { state: 'unreadable', reason: error.message };
    }
    throw error;
  }
}

async function readHead(device: FileHandle): Promise<Uint8Array> {
  const head = Buffer.alloc(HEAD_BYTES);
  let length = 0;
  while (length < HEAD_BYTES) {
    const { bytesRead } = await device.read(head, length, HEAD_BYTES - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return head.subarray(0, length);
}

async function systemCall<T>(path: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const { code = 'unknown error', syscall = 'read' } = error as NodeJS.ErrnoException;
    throw new FlashfreezeError(
      'FF_DEVICE_NOT_FOUND',
      `${path} cannot be read as a block device (${syscall}: ${code}): check that the disk is attached`,
      { systemCall: { errno: code, syscall, path } },
    );
  }
}
