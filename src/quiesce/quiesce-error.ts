import { FlashfreezeError } from '../errors.ts';
import type { ResultCode } from '../result-codes.ts';
import type { Finding } from './quiesce-types.ts';

/** Ends a run before anything is frozen, because its application could not be quiesced. */
export class QuiesceError extends FlashfreezeError {
  readonly resultCode: ResultCode;
  readonly findings: readonly Finding[];

  /** @param findings at least one that is not tolerated */
  constructor(findings: readonly Finding[]) {
    const grave = findings.filter(({ tolerated }) => !tolerated);
    const sentences = grave.map(({ message, code }) => `${message} (code ${code})`);
    super(
      'FF_QUIESCE_FAILED',
      `no backup without the application: ${sentences.join('; ')}; nothing was frozen`,
    );
    this.findings = findings;
    this.resultCode = grave[0]?.code ?? 2;
  }
}
