import { readFileSync, writeFileSync } from 'node:fs';

const PATH = '/sys/kernel/rcu_expedited';

export const rcuExpedited = (): string => readFileSync(PATH, 'utf8').trim();

/** rcu_expedited with that value until disposed; it is global to the machine. */
export function withRcuExpedited(value: '0' | '1'): Disposable {
  const former = rcuExpedited();
  writeFileSync(PATH, value);
  return { [Symbol.dispose]: () => writeFileSync(PATH, former) };
}
