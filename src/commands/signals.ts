import { constants } from 'node:os';
import type { AbortReason } from '../system/abort.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** An abort signal that fires on the first of SIGTERM, SIGINT and SIGHUP. */
export interface SignalAbort {
  readonly signal: AbortSignal;
  /** 128 + n if signal n was received, as a shell reports it; undefined if no signal was received. */
  readonly exitCode: number | undefined;
}

/**
 * Turns the signals that end a process into an orderly end: thaw, report, exit code. A second signal
 * changes nothing, so that an impatient user cannot skip the thaw. The handlers stay until the process ends: a signal that
 * came after the last report would otherwise replace the exit code.
 */
export function abortOnSignals(): SignalAbort {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    exitCode ??= 128 + constants.signals[signal];
    controller.abort({ kind: 'signal', signal } satisfies AbortReason);
  };
  for (const signal of SIGNALS) {
    process.on(signal, onSignal);
  }
  // A process that ends because nothing is left to do removes its handlers some milliseconds before; this keeps them.
  process.once('beforeExit', () => process.exit());
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
  };
}
