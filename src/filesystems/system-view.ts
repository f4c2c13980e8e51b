import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type DeviceNumber, deviceNumber } from '../system/device-number.ts';

/**
 * The little that the plan reads of the machine. One implementation is the machine, another a
 * recording of one. What cannot be read is undefined: sysfs entries come and go, and some answer
 * with an error of their driver's.
 */
export interface SystemView {
  /** The bytes of `/proc/self/mountinfo`. Rejects if it cannot be read. */
  mountinfo(): Promise<Uint8Array>;
  /** Names in a directory. */
  list(directory: string): readonly string[] | undefined;
  /** Text of a small file, without the newline at its end. */
  read(file: string): string | undefined;
  /** Absolute path without symbolic links. */
  resolve(path: string): string | undefined;
  /** What stat(2) says of a block device or a regular file. Blocks if the file system is dead. */
  inspect(path: string): Inspection | undefined;
}

export type Inspection =
  | { readonly kind: 'block'; readonly number: DeviceNumber }
  | { readonly kind: 'file'; readonly device: DeviceNumber; readonly sizeBytes: number };

/** The machine we run on, in the mount namespace we run in. */
export const thisMachine: SystemView = {
  mountinfo: () => readFile('/proc/self/mountinfo'),
  list: (directory) => orUndefined(() => readdirSync(directory)),
  read: (file) => orUndefined(() => readFileSync(file, 'utf8').replace(/\n$/, '')),
  resolve: (path) => orUndefined(() => realpathSync.native(path)),
  inspect: (path) => orUndefined(() => inspect(path)),
};

function inspect(path: string): Inspection | undefined {
  const status = statSync(path, { bigint: true });
  if (status.isBlockDevice()) {
    return { kind: 'block', number: deviceNumber(status.rdev) };
  }
  return status.isFile()
    ? { kind: 'file', device: deviceNumber(status.dev), sizeBytes: Number(status.size) }
    : undefined;
}

function orUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'errno' in error) {
      return undefined;
    }
    throw error;
  }
}
