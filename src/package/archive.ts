import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { PayloadFile } from './payload-file.ts';

// The first day that a zip can store; in local time, because a zip stores local time.
const EPOCH = new Date(1980, 0, 1);
const COMPRESSION_LEVEL = 6;

/**
 * A zip with the files' modes. Equal files give equal bytes, whatever their order, the time and the machine.
 *
 * @param compressionLevel of zlib; 0 stores the files as they are
 */
export async function zip(
  files: readonly PayloadFile[],
  compressionLevel: number = COMPRESSION_LEVEL,
): Promise<Buffer> {
  const archive = new ZipFile();
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, content, isExecutable } of sorted) {
    archive.addBuffer(Buffer.from(content.buffer, content.byteOffset, content.length), path, {
      mtime: EPOCH,
      mode: isExecutable ? 0o100755 : 0o100644,
      compressionLevel,
      // Otherwise the zip has the time in UTC too, which depends on the time zone.
      forceDosTimestamp: true,
    });
  }
  archive.end();
  return await buffer(archive.outputStream);
}
