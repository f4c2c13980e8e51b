import type { LookupAddress } from 'node:dns';
import * as assert from 'uvu/assert';
import { NameMemory } from '../../../src/snapshot/blob/name-memory.ts';
import { suite } from '../../suite.ts';

const test = suite('memory of names');

const ADDRESSES: LookupAddress[] = [
  { address: '192.0.2.1', family: 4 },
  { address: '2001:db8::1', family: 6 },
];

class Resolver {
  asked = 0;
  fails = false;

  readonly resolve = async (): Promise<LookupAddress[]> => {
    this.asked += 1;
    if (this.fails) {
      throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    }
    return ADDRESSES;
  };
}

function lookup(names: NameMemory, all: boolean): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  names.lookup('h', { all }, (error, address, family) => {
    resolve(error?.code ?? (all ? address : [address, family]));
  });
  return promise;
}

test('a name is resolved again as long as nothing is frozen', async () => {
  const resolver = new Resolver();
  const names = new NameMemory(resolver.resolve);
  assert.equal(await lookup(names, true), ADDRESSES);
  assert.equal(await lookup(names, false), ['192.0.2.1', 4]);
  assert.is(resolver.asked, 2);
});

test('while held, a known name is answered from memory, also when the resolver is gone', async () => {
  const resolver = new Resolver();
  const names = new NameMemory(resolver.resolve);
  await lookup(names, true);
  resolver.fails = true;
  assert.is(await lookup(names, true), 'ENOTFOUND');
  names.hold();
  assert.equal(await lookup(names, true), ADDRESSES);
  assert.equal(await lookup(names, false), ['192.0.2.1', 4]);
  names.release();
  assert.is(await lookup(names, false), 'ENOTFOUND');
});

test('an unknown name is resolved even while held', async () => {
  const resolver = new Resolver();
  const names = new NameMemory(resolver.resolve);
  names.hold();
  assert.equal(await lookup(names, true), ADDRESSES);
  assert.is(resolver.asked, 1);
});

test.run();
