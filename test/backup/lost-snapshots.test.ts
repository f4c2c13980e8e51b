import * as assert from 'uvu/assert';
import { ownSnapshot, spanOf } from '../../src/backup/lost-snapshots.ts';
import { parseBlob } from '../../src/snapshot/blob/blob.ts';
import { containerListing } from '../../src/snapshot/inventory/container.ts';
import { suite } from '../suite.ts';

const test = suite('lost snapshots');
const FIRED = Date.parse('2026-11-29T02:00:00Z');
const SPAN = { fromMs: FIRED, toMs: FIRED + 3_000 };
const at = (seconds: number, metadata = {}) => ({
  snapshot: new Date(FIRED + seconds * 1_000).toISOString(),
  metadata,
});

test('the only snapshot of that time with the same metadata is the lost one', () => {
  const own = at(1, { set: 'a', more: 'b' });
  assert.is(ownSnapshot([at(-700, { set: 'a' }), own], [['SET', 'a']], SPAN), own.snapshot);
  assert.is(ownSnapshot([own, at(2)], [['set', 'a']], SPAN), own.snapshot);
});

test('a snapshot of another time or with other metadata is another tool’s, and of two none is taken', () => {
  assert.is(ownSnapshot([at(-700), at(700)], [], SPAN), undefined);
  assert.is(ownSnapshot([at(1, { set: 'b' })], [['set', 'a']], SPAN), undefined);
  assert.is(ownSnapshot([at(1), at(2)], [], SPAN), undefined);
});

test('a snapshot from before the request is not the lost one, however short before', () => {
  assert.is(ownSnapshot([at(-0.001)], [], SPAN), undefined);
  assert.is(ownSnapshot([at(3.001)], [], SPAN), undefined);
  assert.is(ownSnapshot([at(0)], [], SPAN), at(0).snapshot);
});

test('the span is in the clock of the service, and ends with its refusal', () => {
  const ms = (count: number): bigint => BigInt(count * 1e6);
  const table: [firedMs: number, receivedMs: number, fromMs: number, toMs: number][] = [
    [70_000, 70_000, FIRED, FIRED + 1_000],
    [70_000, 73_000, FIRED - 3_000, FIRED + 1_000],
  ];
  for (const [firedMs, receivedMs, fromMs, toMs] of table) {
    const refusedAt = { serverMs: FIRED, receivedNs: ms(receivedMs) };
    assert.equal(spanOf({ firedNs: ms(firedMs), refusedAt }), { fromMs, toMs });
  }
  assert.is(spanOf({ firedNs: ms(1) }), undefined, 'without a date nothing is adopted');
});

test('only the SAS of a container or an account that may list shows the container', () => {
  const listed = (text: string) =>
    containerListing(parseBlob({ url: text, device: undefined }, '--blob'));
  const blob = 'https://acc.blob.core.windows.net/vhds/a%20b/os.vhd';
  assert.equal(listed(`${blob}?sr=c&sp=rwl&sig=x`), {
    url: 'https://acc.blob.core.windows.net/vhds?sr=c&sp=rwl&sig=x',
    blob: 'a b/os.vhd',
  });
  assert.is(listed(`${blob}?ss=b&srt=co&sp=rwl&sig=x`)?.blob, 'a b/os.vhd');
  assert.is(listed('https://127.0.0.1:1/acc/vhds/a.vhd?sr=c&sp=rwl&sig=x')?.blob, 'a.vhd');
  assert.equal(listed('https://acc.blob.core.windows.net/os.vhd?sr=c&sp=rwl&sig=x'), {
    url: 'https://acc.blob.core.windows.net/$root?sr=c&sp=rwl&sig=x',
    blob: 'os.vhd',
  });
  assert.is(listed(`${blob}?sr=b&sp=rwl&sig=x`), undefined);
  assert.is(listed(`${blob}?sr=c&sp=rw&sig=x`), undefined);
});

test.run();
