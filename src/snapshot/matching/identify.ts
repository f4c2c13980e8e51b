import { DiskBytes } from './bytes.ts';
import { containerEvidence } from './containers.ts';
import { EVIDENCE_KINDS, type Identity } from './evidence.ts';
import { fileSystemEvidence } from './file-systems.ts';
import { partitionTableEvidence } from './partition-tables.ts';

/** A dynamic VHD has it at its start; a fixed one has it in its last 512 bytes, after the data. */
const VHD_COOKIE = 'conectix';

/**
 * Identifies a disk or blob by its first `HEAD_BYTES`. Ignores further bytes, and accepts fewer. Never
 * throws, for any content.
 */
export function identify(head: Uint8Array): Identity {
  if (head.length === 0) {
    return { state: 'unreadable', reason: 'nothing could be read' };
  }
  const disk = new DiskBytes(head);
  if (disk.isBlank) {
    return { state: 'blank' };
  }
  if (disk.has(VHD_COOKIE, 0)) {
    return { state: 'dynamic-vhd' };
  }
  const evidence = [
    ...partitionTableEvidence(disk),
    ...containerEvidence(disk),
    ...fileSystemEvidence(disk),
  ];
  return evidence.some(({ kind }) => EVIDENCE_KINDS[kind] === 'identifying')
    ? { state: 'identified', evidence }
    : { state: 'unrecognized' };
}
