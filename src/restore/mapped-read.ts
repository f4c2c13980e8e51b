import type { ReadAt } from './head-types.ts';

/** Part of something that can be read. */
export function slice(read: ReadAt, offset: number, sizeBytes: number): ReadAt {
  return async (at, length) => {
    const available = Math.max(0, Math.min(length, sizeBytes - at));
    return available === 0 ? Buffer.alloc(0) : await read(offset + at, available);
  };
}

export interface Piece {
  readonly sizeBytes: number;
  readonly read: ReadAt;
}

/** Pieces one after the other. If one is shorter than it should be, what is read ends there. */
export function concatenated(pieces: readonly Piece[]): ReadAt {
  return async (offset, length) => {
    const found: Buffer[] = [];
    let start = 0;
    for (const { sizeBytes, read } of pieces) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + length, start + sizeBytes);
      if (from < to) {
        const bytes = await read(from - start, to - from);
        found.push(bytes);
        if (bytes.length < to - from) {
          break;
        }
      }
      start += sizeBytes;
    }
    return Buffer.concat(found);
  };
}

/** Chunks of each in turn, as RAID0 and striped logical volumes have them. */
export function striped(stripes: readonly ReadAt[], chunkBytes: number, sizeBytes: number): ReadAt {
  return async (offset, length) => {
    const found: Buffer[] = [];
    const end = Math.min(offset + length, sizeBytes);
    for (let at = offset; at < end; ) {
      const chunk = Math.floor(at / chunkBytes);
      const within = at - chunk * chunkBytes;
      const row = Math.floor(chunk / stripes.length);
      const count = Math.min(chunkBytes - within, end - at);
      const bytes = await stripes[chunk % stripes.length]?.(row * chunkBytes + within, count);
      if (bytes === undefined || bytes.length < count) {
        return Buffer.concat([...found, bytes ?? Buffer.alloc(0)]);
      }
      found.push(bytes);
      at += count;
    }
    return Buffer.concat(found);
  };
}
