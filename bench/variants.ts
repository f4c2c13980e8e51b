import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { FIRE_RULES } from '../src/config/vmbackup.ts';
import { count } from './options.ts';
import type { FlashfreezeOptions } from './peers/flashfreeze.ts';

/**
 * Reads one variant of flashfreeze: `key=value` pairs separated by commas, e.g. `lanes=2,fire=early`.
 * Throws InvalidArgumentError, which commander reports.
 */
export function variant(text: string): FlashfreezeOptions {
  const pairs = text.split(',').map(readPair);
  return Object.assign({ name: text }, ...pairs) as FlashfreezeOptions;
}

function readPair(pair: string): FlashfreezeOptions {
  const at = pair.indexOf('=');
  const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
  switch (key) {
    case 'lanes':
      return { lanes: count(value) };
    case 'fire':
      return { fire: fireRule(value) };
    case 'settle':
      return { settle: value !== 'no' };
    case 'checkout':
      return { checkout: resolve(value) };
    case 'node':
      return { nodeOptions: value.split(' ') };
    default:
      throw new InvalidArgumentError(
        `Expected lanes=<count>, fire=<rule>, settle=no, checkout=<directory> or node=<options>, not "${pair}".`,
      );
  }
}

function fireRule(text: string): (typeof FIRE_RULES)[number] {
  const rule = FIRE_RULES.find((each) => each === text);
  if (rule === undefined) {
    throw new InvalidArgumentError(`Expected fire=${FIRE_RULES.join(' or fire=')}.`);
  }
  return rule;
}
