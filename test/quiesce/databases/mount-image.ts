import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { runCommand } from '../../../src/lab/run-command.ts';

/** Makes this directory, and mounts a new ext4 there, from an image beside it. */
export async function mountImageAt(mountPoint: string): Promise<void> {
  const image = `${mountPoint}.image`;
  mkdirSync(mountPoint);
  writeFileSync(image, '');
  truncateSync(image, 16 << 20);
  await runCommand('mkfs.ext4', ['-q', '-F', image]);
  await runCommand('mount', ['-o', 'loop', image, mountPoint]);
}
