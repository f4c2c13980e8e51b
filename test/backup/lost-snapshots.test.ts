import * as assert from 'uvu/assert';
import {
  findLostSnapshots,
  ownSnapshot,
  spanOf,
  withSnapshot,
} from '../../src/backup/lost-snapshots.ts';
import { parseBlob } from '../../src/snapshot/blob/blob.ts';
import { containerListing } from '../../src/snapshot/inventory/container.ts';
import type { SnapshotAnswer } from '../../src/snapshot/snapshot-types.ts';
import { ListingServer } from '../restore-points/fixtures/listing-server.ts';
import { suite } from '../suite.ts';

const test = suite('lost snapshots');
const FIRED = Date.parse('2026-11-29T02:00:00Z');
/** A request that left at FIRED and was refused 2 s later, without a mark. */
const ANSWER = {
  firedNs: 1_000_000_000n,
  refusedAt: { receivedNs: 3_000_000_000n, serverMs: FIRED + 2_000 },
};
const UNKNOWN: SnapshotAnswer = {
  target: 0,
  attempts: 2,
  firedNs: undefined,
  acknowledgedNs: undefined,
  httpStatus: 409,
  snapshot: undefined,
  requestId: undefined,
  failure: undefined,
  mayHaveOrphan: true,
};
const at = (seconds: number, metadata = {}) => ({
  snapshot: new Date(FIRED + seconds * 1_000).toISOString(),
  metadata,
});

test('the only snapshot of that time with the same metadata may be the lost one', () => {
  const own = at(1, { set: 'a', more: 'b' });
  assert.is(ownSnapshot([at(-700, { set: 'a' }), own], ANSWER, [['SET', 'a']]), own.snapshot);
  assert.is(ownSnapshot([own, at(2)], ANSWER, [['set', 'a']]), own.snapshot);
});

test('a snapshot of another time or with other metadata is another tool’s, and of two none is taken', () => {
  assert.is(ownSnapshot([at(-700), at(700)], ANSWER, []), undefined);
  assert.is(ownSnapshot([at(1, { set: 'b' })], ANSWER, [['set', 'a']]), undefined);
  assert.is(ownSnapshot([at(1), at(2)], ANSWER, []), undefined);
});

test('a snapshot from before the request is not the lost one, however short before', () => {
  assert.is(ownSnapshot([at(-0.001)], ANSWER, []), undefined);
  assert.is(ownSnapshot([at(3.001)], ANSWER, []), undefined);
  assert.is(ownSnapshot([at(0)], ANSWER, []), at(0).snapshot);
});

test('a mark alone decides, whatever the clock says and whatever other snapshots there are', () => {
  const marked = { ...ANSWER, mark: 'm' };
  const own = at(-900, { flashfreeze_request: 'm' });
  assert.is(ownSnapshot([at(1, { set: 'a' }), own], marked, [['set', 'a']]), own.snapshot);
  assert.is(ownSnapshot([at(1, { set: 'a' })], marked, [['set', 'a']]), undefined);
  assert.is(ownSnapshot([own], { ...marked, mark: 'of another round' }, []), undefined);
});

test('only a snapshot with a mark is acknowledged: by the refusal of the try after it', () => {
  const lost = { ...UNKNOWN, ...ANSWER };
  const { snapshot } = at(1);
  const marked = withSnapshot({ ...lost, mark: 'm' }, snapshot);
  assert.is(marked.snapshot, snapshot);
  assert.is(marked.acknowledgedNs, 3_000_000_000n);
});

test('a snapshot without a mark is named, and not recorded as one of the run: it may be another tool’s', async () => {
  const failure = {
    kind: 'http',
    message: 'refused',
    httpStatus: 409,
    requestId: undefined,
    serviceCode: 'SnapshotOperationRateExceeded',
  } as const;
  const lost = { ...UNKNOWN, ...ANSWER, failure };
  await using server = await ListingServer.start();
  const url = server.containerUrl('rl').replace('?', '/disk1.vhd?');
  const target = { name: 'disk1', blob: parseBlob({ url, device: undefined }, '--blob') };
  const { snapshot } = at(1);
  server.addSnapshot('disk1.vhd', snapshot, { set: 'a' });
  const warnings: string[] = [];
  const find = async (answer: SnapshotAnswer, metadata: readonly (readonly [string, string])[]) => {
    const context = { request: { metadata }, warn: (it: string) => void warnings.push(it) };
    return (await findLostSnapshots(context, [target], [answer], () => undefined))[0];
  };
  for (const metadata of [[], [['set', 'a']]] as const) {
    assert.equal(await find(lost, metadata), lost);
    assert.match(warnings.pop() ?? '', `${snapshot}. Nothing proves that it is not another tool's`);
  }
  server.addSnapshot('disk1.vhd', at(0).snapshot, { flashfreeze_request: 'm' });
  const found = await find({ ...lost, mark: 'm' }, []);
  assert.is(found?.snapshot, at(0).snapshot);
  assert.is(found?.failure, undefined);
  assert.match(warnings.join(), 'by the mark of the request, and belongs to this set');
});

test('a marked snapshot that is younger than the refusal may be younger than the thaw: it is not acknowledged', () => {
  const lost = { ...UNKNOWN, ...ANSWER, mark: 'm' };
  const acknowledged = (seconds: number): boolean =>
    withSnapshot(lost, at(seconds).snapshot).acknowledgedNs !== undefined;
  assert.equal([-900, 0, 3, 3.001, 20].map(acknowledged), [true, true, true, false, false]);
  const undated = { ...lost, refusedAt: { receivedNs: 3_000_000_000n, serverMs: undefined } };
  assert.is(withSnapshot(undated, at(0).snapshot).acknowledgedNs, undefined);
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
