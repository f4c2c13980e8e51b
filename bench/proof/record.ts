/** Divides a block, so that no record lies in two. */
export const RECORD_BYTES = 64;

/** The record's number, then bytes that follow from chain and number. */
export function encodeRecord(chain: number, k: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.writeBigUInt64LE(BigInt(k));
  record.writeUInt32LE(chain, 8);
  for (let offset = 12; offset < RECORD_BYTES; offset += 4) {
    record.writeUInt32LE(Math.imul(k ^ offset, 0x9e3779b1) >>> 0, offset);
  }
  return record;
}

export interface DecodedRecords {
  readonly numbers: readonly number[];
  readonly damage: readonly string[];
}

/** Reads records one after the other; what is not exactly a record is damage. */
export function decodeRecords(chain: number, bytes: Buffer, file: string): DecodedRecords {
  const numbers: number[] = [];
  const damage: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += RECORD_BYTES) {
    const record = bytes.subarray(offset, offset + RECORD_BYTES);
    const k = record.length === RECORD_BYTES ? Number(record.readBigUInt64LE()) : 0;
    if (k > 0 && record.equals(encodeRecord(chain, k))) {
      numbers.push(k);
    } else {
      damage.push(`${file}: no record at byte ${offset} of ${bytes.length}`);
    }
  }
  return { numbers, damage };
}
