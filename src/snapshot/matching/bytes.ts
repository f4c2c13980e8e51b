import { HEAD_BYTES } from './evidence.ts';

/**
 * The first bytes of a disk for reading at fixed offsets. If there are fewer bytes, zeroes follow, and a
 * truncated identifier counts as missing: parsing never fails, it only finds nothing. Enough bytes are not copied.
 */
export class DiskBytes {
  readonly #bytes: Buffer;
  readonly #length: number;

  constructor(head: Uint8Array) {
    this.#length = Math.min(head.length, HEAD_BYTES);
    const known = Buffer.from(head.buffer, head.byteOffset, this.#length);
    this.#bytes = known.length < HEAD_BYTES ? Buffer.concat([known], HEAD_BYTES) : known;
  }

  get isBlank(): boolean {
    return this.#bytes.every((byte) => byte === 0);
  }

  slice(offset: number, length: number): Buffer {
    return this.#bytes.subarray(offset, offset + length);
  }

  /** Whether the ASCII characters of `magic` are at `offset`. */
  has(magic: string, offset: number): boolean {
    return this.text(offset, magic.length) === magic;
  }

  text(offset: number, length: number): string {
    return this.slice(offset, length).toString('latin1');
  }

  u16le(offset: number): number {
    return this.#bytes.readUInt16LE(offset);
  }

  u16be(offset: number): number {
    return this.#bytes.readUInt16BE(offset);
  }

  u32le(offset: number): number {
    return this.#bytes.readUInt32LE(offset);
  }

  u32be(offset: number): number {
    return this.#bytes.readUInt32BE(offset);
  }

  u64le(offset: number): bigint {
    return this.#bytes.readBigUInt64LE(offset);
  }

  /** The UUID in byte order; undefined if it is truncated, or all zeroes, which means that there is none. */
  uuid(offset: number): string | undefined {
    return offset + 16 <= this.#length ? formatUuid(this.slice(offset, 16)) : undefined;
  }

  /** The GUID with its first three fields little-endian, as UEFI stores it. */
  guid(offset: number): string | undefined {
    const bytes = Buffer.from(this.slice(offset, 16));
    bytes.subarray(0, 4).reverse();
    bytes.subarray(4, 6).reverse();
    bytes.subarray(6, 8).reverse();
    return formatUuid(bytes);
  }
}

function formatUuid(bytes: Buffer): string | undefined {
  if (bytes.every((byte) => byte === 0)) {
    return undefined;
  }
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
