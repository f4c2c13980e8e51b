import { readFileSync, writeFileSync } from 'node:fs';

const PATH = '/sys/kernel/rcu_expedited';

/**
 * Grace periods are the machine's, and nothing in a lab that was cut short puts them back: its end does. On
 * a real machine they would begin anew with the kernel.
 */
export function keepGracePeriodsUsual(): Disposable {
  const former = read();
  return {
    [Symbol.dispose]: () => {
      // Where they were expedited, it was perhaps a run in another lab that has ended since.
      if (former === '0') {
        write(former);
      }
    },
  };
}

/**
 * Has the machine's grace periods expedited until disposed, or until this process ends by a signal that
 * it can hear. Without effect where the machine does not let us.
 */
export function expediteGracePeriods(): Disposable {
  const former = read();
  const restore = (): void => write(former);
  const restoreAndEnd = (): never => {
    restore();
    process.exit(1);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) {
    process.once(signal, restoreAndEnd);
  }
  write('1');
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) {
        process.off(signal, restoreAndEnd);
      }
      restore();
    },
  };
}

function read(): string {
  try {
    return readFileSync(PATH, 'utf8').trim();
  } catch {
    return '';
  }
}

function write(value: string): void {
  try {
    if (value !== '') {
      writeFileSync(PATH, value);
    }
  } catch {
    // Not root, or not this kernel's: those tests fail that need it.
  }
}
