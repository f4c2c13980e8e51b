import { constants } from 'node:os';
import type { AbortReason } from '../system/abort.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** An abort signal that fires on the first of SIGTERM, SIGINT and SIGHUP. */
export interface SignalAbort extends Disposable {
  readonly signal: AbortSignal;
  /** 128 + n of the signal that came, as a shell reports it; undefined where none did. */
  readonly exitCode: number | undefined;
}

/**
 * Turns the signals that end a process into an orderly end: thaw, report, exit code. A second one
 * changes nothing, so that impatience cannot skip the thaw.
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
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]() {
      for (const signal of SIGNALS) {
        process.off(signal, onSignal);
      }
    },
  };
}
