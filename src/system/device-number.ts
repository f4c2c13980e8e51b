/** Key of a superblock: `major:minor` as the third field of mountinfo shows it. */
export type DeviceNumber = string;

/** Splits a dev_t as makedev(3) of glibc and musl puts it together. */
export function deviceNumber(device: bigint): DeviceNumber {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
