import { readFileSync, writeFileSync } from 'node:fs';

const PATH = '/sys/kernel/rcu_expedited';

export const rcuExpedited = (): string => readFileSync(PATH, 'utf8').trim();

/** Sets rcu_expedited, which is global to the machine, to that value until disposed. */
export function withRcuExpedited(value: '0' | '1'): Disposable {
  const former = rcuExpedited();
  writeFileSync(PATH, value);
  return { [Symbol.dispose]: () => writeFileSync(PATH, former) };
}
