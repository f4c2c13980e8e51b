import { errnoName, loadAddon } from '../system/native.ts';

/** Where systemd-journald takes records. */
export const JOURNAL_SOCKET = '/run/systemd/journal/socket';

/** A datagram that is longer may be refused; a value that would not fit is cut. */
const MAX_BYTES = 64 * 1024;

/** Names are capital letters, digits and `_`, and do not begin with `_`. */
export type JournalFields = Readonly<Record<string, string>>;

/**
 * A record as systemd-journald reads it (systemd's "Native Journal Protocol"): `NAME=value` lines; a value with a line
 * feed has its name in a line of its own, its length in 64 bits, little endian, and then itself. Fields that do not fit
 * are cut, the longest first, at a limit that they share. Pure.
 */
export function encodeRecord(fields: JournalFields): Buffer {
  const values = Object.entries(fields).map(([name, value]) => [name, Buffer.from(value)] as const);
  let limit = MAX_BYTES;
  const encoded = (): Buffer =>
    Buffer.concat(values.map(([name, value]) => encodeField(name, value.subarray(0, limit))));
  while (encoded().length > MAX_BYTES) {
    limit /= 2;
  }
  return encoded();
}

const LINE_FEED = 0x0a;

function encodeField(name: string, value: Buffer): Buffer {
  if (!value.includes(LINE_FEED)) {
    return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from('\n')]);
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from('\n')]);
}

/**
 * Sends a record. Does not wait for the reader: a journal on a disk that another tool has frozen takes nothing.
 *
 * @returns why it was not sent; undefined if it was, or if no systemd-journald runs here
 */
export function sendRecord(
  fields: JournalFields,
  socket: string = JOURNAL_SOCKET,
): string | undefined {
  let name: string | undefined;
  try {
    const errno = loadAddon().sendDatagram(socket, encodeRecord(fields));
    name = errno === 0 ? undefined : errnoName(errno);
  } catch (error) {
    name = String(error);
  }
  return name === undefined || ABSENT.has(name)
    ? undefined
    : `the systemd journal took no record of this run (${name})`;
}

/** No journald, or none that still reads. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED']);
