import { closeSync, openSync } from 'node:fs';
import { superblocksOf } from '../../../src/freezer/opened-mounts.ts';

/** `major:minor` of the file system that holds the path. */
export function deviceOf(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    return superblocksOf([descriptor])[0] ?? '';
  } finally {
    closeSync(descriptor);
  }
}
