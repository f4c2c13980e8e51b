import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { traceOf } from '../../src/report/trace.ts';
import { suite } from '../suite.ts';
import { busyRecord, runOf } from './fixtures/runs.ts';

const test = suite('trace');

/** The parts of the Trace Event Format that are used (catapult, "Trace Event Format"). */
const common = { name: v.string(), pid: v.number(), tid: v.number() };
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const args = v.record(v.string(), v.union([v.string(), v.number()]));
const traceSchema = v.strictObject({
  displayTimeUnit: v.picklist(['ms', 'ns']),
  otherData: v.record(v.string(), v.string()),
  traceEvents: v.array(
    v.variant('ph', [
      v.strictObject({
        ...common,
        ph: v.literal('X'),
        cat: v.string(),
        ts: whole,
        dur: whole,
        args,
      }),
      v.strictObject({ ...common, ph: v.literal('i'), ts: whole, s: v.picklist(['g', 'p', 't']) }),
      v.strictObject({
        ...common,
        ph: v.literal('M'),
        name: v.picklist(['process_name', 'thread_name']),
        ts: whole,
        args: v.strictObject({ name: v.string() }),
      }),
    ]),
  ),
});

test('is of the format that Perfetto and chrome://tracing open', () => {
  const trace = JSON.parse(JSON.stringify(traceOf(runOf(busyRecord(8))))) as unknown;
  const { success, issues } = v.safeParse(traceSchema, trace);
  assert.ok(success, JSON.stringify(issues?.map(({ message }) => message)));
});

test('has a track for each file system and each disk, and the barrier', () => {
  const { traceEvents } = traceOf(runOf(busyRecord(8)));
  const names = traceEvents.filter(({ ph }) => ph === 'M').map(({ args: of }) => of?.name);
  assert.ok(names.includes('/data/7 (ext4)'));
  assert.ok(names.includes('/dev/sdh'));
  const frozen = traceEvents.filter(({ name }) => name === 'frozen');
  assert.is(frozen.length, 8);
  assert.is(frozen[0]?.dur, 28_000);
  assert.is(traceEvents.find(({ name }) => name === 'barrier')?.ts, 1_009_000);
});

test('what the threads cost stands at the window', () => {
  const threads = [{ role: 'runtime', runMs: 0.9, waitMs: 0.1, pageFaults: 3 }] as const;
  const { traceEvents } = traceOf(runOf({ ...busyRecord(8), threads }));
  assert.equal(traceEvents.find(({ ph, name }) => ph === 'X' && name === 'window')?.args, {
    'runtime ran, ms': 0.9,
    'runtime waited for a processor, ms': 0.1,
    'runtime page faults': 3,
  });
});

test('names the machine', () => {
  assert.is(traceOf(runOf(busyRecord(1))).otherData.host, 'db1');
});

test('events of one track do not overlap', () => {
  const { traceEvents } = traceOf(runOf(busyRecord(8)));
  const spans = traceEvents.filter(({ ph, pid }) => ph === 'X' && pid > 1);
  for (const a of spans) {
    for (const b of spans.filter((it) => it !== a && it.pid === a.pid && it.tid === a.tid)) {
      assert.ok(a.ts + (a.dur ?? 0) <= b.ts || b.ts + (b.dur ?? 0) <= a.ts);
    }
  }
});

test('has the failed requests and freezes, with their ends and errors', () => {
  const record = busyRecord(8);
  const [times, ...others] = record.fileSystems;
  assert.ok(times);
  const refused = {
    ...times,
    frozenNs: undefined,
    freezeErrno: 'EIO',
    freezeFailedNs: 1_004_000_000n,
    thawStartNs: undefined,
    thawedNs: undefined,
  };
  const { traceEvents } = traceOf(runOf({ ...record, fileSystems: [refused, ...others] }));
  const failed = traceEvents.filter(({ args: of }) => of?.error !== undefined);
  assert.equal(
    failed.map(({ name, ts, dur, args: of }) => [name, ts, dur, of?.error]),
    [
      ['failed freeze', 1_000_000, 4_000, 'FIFREEZE: EIO'],
      ['failed request', 1_010_000, 39_000, 'no complete answer within the time limit'],
    ],
  );
});

test.run();
