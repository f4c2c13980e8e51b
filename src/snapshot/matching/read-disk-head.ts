import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FlashfreezeError } from '../../errors.ts';
import { HEAD_BYTES, type Identity } from './evidence.ts';
import { identify } from './identify.ts';

/**
 * The first `HEAD_BYTES` of a block device, fewer where it is smaller. Opened read-only; Node opens
 * everything with O_CLOEXEC.
 *
 * The kernel answers from the page cache of the whole disk, which can lag behind what was
 * written by other ways: through a partition's own node, by XFS's buffers, by direct I/O. What is
 * compared is written when a disk is formatted, so a lag shows at worst a missing match.
 *
 * @throws FlashfreezeError FF_DEVICE_NOT_FOUND with the errno: it cannot be opened or read
 */
export async function readDiskHead(devicePath: string): Promise<Uint8Array> {
  await using device = await systemCall(devicePath, open(devicePath, constants.O_RDONLY));
  return await systemCall(devicePath, readHead(device));
}

/** The identity of a local disk; one that cannot be read is `unreadable`, which is no error. */
export async function identifyDisk(devicePath: string): Promise<Identity> {
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
