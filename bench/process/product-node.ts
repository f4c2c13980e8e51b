import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const THIS_CHECKOUT = join(import.meta.dirname, '../..');

/**
 * How the product starts Node.js: environment, runtime and its options, as the first line of the checkout's
 * src/flashfreeze.js says, with the runtime of this process.
 */
export function productNode(checkout: string = THIS_CHECKOUT): string[] {
  const [first = ''] = readFileSync(join(checkout, 'src/flashfreeze.js'), 'utf8').split('\n');
  const words = first.slice('#!/usr/bin/env -S '.length).split(' ');
  return ['/usr/bin/env', ...words.map((word) => (word === 'node' ? process.execPath : word))];
}
