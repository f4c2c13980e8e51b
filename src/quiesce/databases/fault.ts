import type { ResultCode } from '../../result-codes.ts';

/** Why a database could not be quiesced or released, with the code it gives; caught in database.ts. */
export class DatabaseFault extends Error {
  readonly code: ResultCode;

  /** @param message for people; no secrets */
  constructor(code: ResultCode, message: string) {
    super(message);
    this.code = code;
  }
}
