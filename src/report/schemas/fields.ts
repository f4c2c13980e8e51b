import * as v from 'valibot';
import { RESULTS, type ResultCode } from '../../result-codes.ts';
import { list, text } from './described.ts';

/** Fields that several outputs share. */
export const mountPoint = text('Mount point through which the file system is frozen.');
export const fileSystemType = text('Type of the file system as the kernel names it, e.g. ext4.');
export const diskNames = list(
  v.string(),
  'Kernel names (e.g. sdc) of the whole disks that the file system lies on.',
);
export const warnings = list(
  v.string(),
  'Sentences for people about problems that do not make the run fail.',
);

export function resultCode(description: string) {
  return v.pipe(
    v.number(),
    v.description(description),
    v.check((code) => Object.hasOwn(RESULTS, code), 'not a result code'),
    v.transform((code) => code as ResultCode),
  );
}
