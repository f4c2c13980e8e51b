import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { RunFile } from '../../src/report/run-file.ts';
import { statusReportSchema } from '../../src/report/schemas/status-report.ts';
import {
  judgeStatus,
  type KeptRunFile,
  type StatusFacts,
  type TimerFacts,
} from '../../src/status/judge-status.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { refusedRecord, runOf } from '../report/fixtures/runs.ts';
import { suite } from '../suite.ts';

const test = suite('status of a machine');

const NOW = new Date('2026-11-29T12:00:00.000Z');
const HOUR_MS = 3_600_000;

function kept(run: RunFile, hoursAgo: number, changes: Partial<RunFile> = {}): KeptRunFile {
  const writtenAt = new Date(NOW.getTime() - hoursAgo * HOUR_MS).toISOString();
  return { path: `/runs/${hoursAgo}.json`, run: { ...run, writtenAt, ...changes } };
}

const GOOD = runOf(goodRecord(3));
const FAILED = runOf(refusedRecord(8));
const REFUSED: RunFile = {
  ...FAILED,
  error: { code: 'FF_BLOB_REFUSED', message: 'the SAS is expired' },
  ...{ summary: null, set: null, timeline: null },
};
const TIMER: TimerFacts = {
  timer: 'flashfreeze-snapshot.timer',
  isActive: true,
  next: new Date('2026-11-30T02:00:00.000Z'),
  last: new Date('2026-11-29T02:00:00.000Z'),
  failure: undefined,
};
const FACTS: StatusFacts = {
  ...{ now: NOW, host: 'db1', maxAgeMs: 26 * HOUR_MS },
  ...{ runs: [kept(GOOD, 10)], damaged: [], untrusted: [] },
  ...{ stillFrozen: [], recovered: [], timer: TIMER },
};
const sas = (endsAt: string) => ({ credential: { kind: 'sas' as const, endsAt } });

interface Case {
  readonly name: string;
  readonly facts: Partial<StatusFacts>;
  readonly status: string;
  readonly findings: readonly string[];
}

const CASES: readonly Case[] = [
  { name: 'a good run in time', facts: {}, status: 'ok', findings: [] },
  { name: 'no timer', facts: { timer: undefined }, status: 'ok', findings: [] },
  { name: 'no run at all', facts: { runs: [] }, status: 'critical', findings: ['no-run'] },
  {
    name: 'only failures',
    facts: { runs: [kept(REFUSED, 1), kept(FAILED, 25)] },
    status: 'critical',
    findings: ['no-success', 'last-run-failed'],
  },
  {
    name: 'a success that is too old',
    facts: { runs: [kept(GOOD, 27)] },
    status: 'critical',
    findings: ['too-old'],
  },
  {
    name: 'a success that is just young enough',
    facts: { runs: [kept(GOOD, 26)] },
    status: 'ok',
    findings: [],
  },
  {
    name: 'a failure after a success in time',
    facts: { runs: [kept(FAILED, 1), kept(GOOD, 10)] },
    status: 'warning',
    findings: ['last-run-failed', 'incomplete-set'],
  },
  {
    name: 'a refusal after a success in time',
    facts: { runs: [kept(REFUSED, 1), kept(GOOD, 10)] },
    status: 'warning',
    findings: ['last-run-failed'],
  },
  {
    name: 'a success after a failure',
    facts: { runs: [kept(GOOD, 1), kept(FAILED, 2)] },
    status: 'ok',
    findings: [],
  },
  {
    name: 'a good run with --partial',
    facts: { runs: [kept(GOOD, 1, { set: { complete: false, unprotected: 2 } })] },
    status: 'warning',
    findings: ['incomplete-set'],
  },
  {
    name: 'a file system left frozen',
    facts: { stillFrozen: ['/data'], recovered: ['A run … died'] },
    status: 'critical',
    findings: ['left-frozen', 'dead-run'],
  },
  {
    name: 'a dead run whose file systems were thawed',
    facts: { recovered: ['A run … died'] },
    status: 'warning',
    findings: ['dead-run'],
  },
  {
    name: 'a SAS that ends before the next run',
    facts: { runs: [kept(GOOD, 1, sas('2026-11-30T01:00:00.000Z'))] },
    status: 'warning',
    findings: ['sas-ends'],
  },
  {
    name: 'a SAS that ends after the next run',
    facts: { runs: [kept(GOOD, 1, sas('2026-11-30T03:00:00.000Z'))] },
    status: 'ok',
    findings: [],
  },
  {
    name: 'a SAS that has ended, and no schedule is known',
    facts: { timer: undefined, runs: [kept(GOOD, 1, sas('2026-11-29T11:00:00.000Z'))] },
    status: 'warning',
    findings: ['sas-ends'],
  },
  {
    name: 'a SAS that ends soon, and no schedule is known',
    facts: { timer: undefined, runs: [kept(GOOD, 1, sas('2026-11-29T13:00:00.000Z'))] },
    status: 'ok',
    findings: [],
  },
  {
    name: 'a token, and the SAS of a task, which always end soon',
    facts: {
      runs: [
        kept(GOOD, 1, { origin: 'extension', ...sas('2026-11-29T11:30:00.000Z') }),
        kept(GOOD, 2, { credential: { kind: 'token', endsAt: '2026-11-29T11:30:00.000Z' } }),
      ],
    },
    status: 'ok',
    findings: [],
  },
  {
    name: 'a timer that does not run',
    facts: { timer: { ...TIMER, isActive: false, next: undefined } },
    status: 'warning',
    findings: ['timer-inactive'],
  },
  {
    name: 'a start that failed before it left a file',
    facts: {
      timer: {
        ...TIMER,
        failure: { service: 'flashfreeze-snapshot.service', result: 'exit code 2' },
      },
    },
    status: 'warning',
    findings: ['timer-run-failed'],
  },
  {
    name: 'a success from the future, which ends neither a failure nor the age of the last success',
    facts: { runs: [kept(GOOD, -365 * 24), kept(FAILED, 1), kept(GOOD, 100)] },
    status: 'critical',
    findings: ['too-old', 'last-run-failed', 'incomplete-set', 'clock'],
  },
  {
    name: 'a failure from the future',
    facts: { runs: [kept(GOOD, 1), kept(FAILED, -1)] },
    status: 'warning',
    findings: ['clock'],
  },
  {
    name: 'runs from the future only',
    facts: { runs: [kept(GOOD, -1), kept(GOOD, -2)] },
    status: 'critical',
    findings: ['no-success', 'clock', 'clock'],
  },
  {
    name: 'a clock that was corrected by a minute',
    facts: { runs: [kept(GOOD, -1 / 60)] },
    status: 'ok',
    findings: [],
  },
  {
    name: 'a damaged file',
    facts: { damaged: ['/runs/x.json'] },
    status: 'warning',
    findings: ['damaged-record'],
  },
  {
    name: 'a folder that another user made',
    facts: { untrusted: ['the runs in /runs are not believed'], runs: [] },
    status: 'critical',
    findings: ['no-run', 'unsafe-folder'],
  },
];

for (const { name, facts, status, findings } of CASES) {
  test(`${name}: ${[status, ...findings].join(', ')}`, () => {
    const report = judgeStatus({ ...FACTS, ...facts });
    assert.equal([report.status, ...report.findings.map(({ id }) => id)], [status, ...findings]);
    assert.is(v.safeParse(statusReportSchema, report).success, true);
  });
}

test('the sentences name the cause, and what to do', () => {
  const report = judgeStatus({ ...FACTS, runs: [kept(FAILED, 1), kept(GOOD, 30)] });
  assert.equal(
    report.findings.map(({ finding, remedy }) => [finding, remedy]),
    [
      [
        'the last success is 30 h old, more than 26 h',
        'look at the runs since then, and at the schedule',
      ],
      [
        'the last run failed: Not usable: 1 of 8 disks refused (disk3.vhd)',
        'flashfreeze report /runs/1.json',
      ],
      ['the last run took no snapshot of 1 disk', 'flashfreeze report /runs/1.json'],
    ],
  );
});

test('lists a run from the future last, and takes neither its time nor its success for the last one', () => {
  const runs = [kept(GOOD, -365 * 24), kept(FAILED, 1), kept(GOOD, 100)];
  const report = judgeStatus({ ...FACTS, runs });
  assert.is(report.lastSuccess, '2026-11-25T08:00:00.000Z');
  assert.equal(
    report.runs.map(({ path }) => path),
    ['/runs/1.json', '/runs/100.json', '/runs/-8760.json'],
  );
});

test('lists the five newest runs, and the last success even if it is older', () => {
  const runs = [1, 2, 3, 4, 5, 6].map((hours) => kept(REFUSED, hours));
  const report = judgeStatus({ ...FACTS, runs: [...runs, kept(GOOD, 7)] });
  assert.is(report.runs.length, 5);
  assert.is(report.lastSuccess, '2026-11-29T05:00:00.000Z');
  assert.equal(report.runs[0], {
    path: '/runs/1.json',
    writtenAt: '2026-11-29T11:00:00.000Z',
    origin: 'snapshot',
    result: 'refused',
    consistency: null,
    error: 'FF_BLOB_REFUSED',
    disks: 0,
    snapshots: 0,
    unprotected: null,
    windowMs: null,
    restorePoint: 'task-1',
  });
});

test.run();
