/** The shipped alerts, on metrics as runs write them. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import { metricsAfter } from '../../src/report/metrics.ts';
import type { RunFile } from '../../src/report/run-file.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { busyRecord, runOf } from '../report/fixtures/runs.ts';
import { suite } from '../suite.ts';

const test = suite('alert rules');
const RULES = join(import.meta.dirname, '../../src/package/flashfreeze.rules.yml');
const NAMES = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(
  ([, name = '']) => name,
);
const HOUR_S = 3_600;
/** Of samples and evaluations; all times of the rules are multiples of it. */
const INTERVAL_MIN = 5;

/** Tests of promtool begin at the epoch. */
function atHour(hour: number): string {
  return new Date(hour * HOUR_S * 1_000).toISOString();
}

const GOOD: RunFile = {
  ...runOf(goodRecord(2)),
  writtenAt: atHour(1),
  credential: { kind: 'sas', endsAt: atHour(24 * 30) },
};
const FAILED: RunFile = { ...runOf(busyRecord(8)), writtenAt: atHour(2) };
const REFUSED: RunFile = { ...FAILED, summary: null, set: null, timeline: null };

interface Case {
  readonly name: string;
  readonly runs: readonly RunFile[];
  readonly evaluatedAtHour: number;
  /** Names of the alerts that fire; no other may. */
  readonly fires: readonly string[];
  /** After this hour there are no metrics any more. */
  readonly goneAtHour?: number;
}

const CASES: readonly Case[] = [
  { name: 'all is well', runs: [GOOD], evaluatedAtHour: 20, fires: [] },
  {
    name: 'a failed rehearsal beside a good backup',
    runs: [GOOD, { ...FAILED, origin: 'freeze', set: null }],
    evaluatedAtHour: 20,
    fires: [],
  },
  {
    name: 'no success for long',
    runs: [GOOD],
    evaluatedAtHour: 28,
    fires: ['FlashfreezeNoSuccess'],
  },
  {
    name: 'the extension has succeeded, the command has not for long',
    runs: [GOOD, { ...GOOD, origin: 'extension', writtenAt: atHour(27) }],
    evaluatedAtHour: 28,
    fires: ['FlashfreezeNoSuccess'],
  },
  {
    name: 'a disk refused after a good run',
    runs: [GOOD, FAILED],
    evaluatedAtHour: 20,
    fires: ['FlashfreezeLastRunFailed', 'FlashfreezeSetIncomplete', 'FlashfreezeDisksUnprotected'],
  },
  {
    name: 'a run refused before the freeze after a good run',
    runs: [GOOD, REFUSED],
    evaluatedAtHour: 20,
    fires: ['FlashfreezeLastRunFailed', 'FlashfreezeSetIncomplete'],
  },
  {
    name: 'runs that never succeed',
    runs: [REFUSED],
    evaluatedAtHour: 3,
    fires: ['FlashfreezeNeverSucceeded', 'FlashfreezeLastRunFailed', 'FlashfreezeSetIncomplete'],
  },
  {
    name: 'a set with --partial',
    runs: [{ ...GOOD, set: { complete: false, unprotected: 2 } }],
    evaluatedAtHour: 20,
    fires: ['FlashfreezeSetIncomplete', 'FlashfreezeDisksUnprotected'],
  },
  {
    name: 'a SAS that ends in two days',
    runs: [{ ...GOOD, credential: { kind: 'sas', endsAt: atHour(68) } }],
    evaluatedAtHour: 20,
    fires: ['FlashfreezeSasEndsSoon'],
  },
  {
    name: 'a token, and the SAS of a task, which always end soon',
    runs: [
      { ...GOOD, credential: { kind: 'token', endsAt: atHour(21) } },
      { ...GOOD, origin: 'extension', credential: { kind: 'sas', endsAt: atHour(21) } },
    ],
    evaluatedAtHour: 20,
    fires: [],
  },
  {
    name: 'only rehearsals',
    runs: [{ ...GOOD, origin: 'freeze', set: null }],
    evaluatedAtHour: 20,
    fires: ['FlashfreezeMetricsAbsent'],
  },
  {
    name: 'the only machine is gone',
    runs: [GOOD],
    evaluatedAtHour: 20,
    goneAtHour: 10,
    fires: ['FlashfreezeMetricsAbsent', 'FlashfreezeMetricsGone'],
  },
];

/** A test of promtool, whose format YAML is: JSON is a part of that. */
function testOf({ name, runs, evaluatedAtHour, fires, goneAtHour = 100 }: Case): object {
  const text = runs.reduce((before, run) => metricsAfter(before, run), '');
  const series = text
    .split('\n')
    .filter((line) => line.includes('{'))
    .map((line) => {
      const at = line.lastIndexOf(' ');
      return {
        series: line.slice(0, at),
        values: `${line.slice(at + 1)}+0x${(goneAtHour * 60) / INTERVAL_MIN}`,
      };
    });
  return {
    name,
    interval: `${INTERVAL_MIN}m`,
    input_series: series,
    // What fires, whatever its labels and annotations are.
    promql_expr_test: NAMES.map((alertname) => ({
      expr: `count(ALERTS{alertname="${alertname}", alertstate="firing"}) > bool 0`,
      eval_time: `${evaluatedAtHour}h`,
      exp_samples: fires.includes(alertname) ? [{ labels: '{}', value: 1 }] : [],
    })),
  };
}

async function promtool(tests: readonly object[]): Promise<{ code: number; said: string }> {
  await requireLabCommands(['promtool']);
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-rules-'));
  try {
    const file = join(folder, 'rules.test.yml');
    const content = { rule_files: [RULES], evaluation_interval: `${INTERVAL_MIN}m`, tests };
    await writeFile(file, JSON.stringify(content));
    const { code, stdout, stderr } = await tryCommand('promtool', ['test', 'rules', file]);
    return { code, said: `${stdout}${stderr}` };
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const it of CASES) {
  const what = it.fires.length === 0 ? 'no alert' : it.fires.join(', ');
  test(`${it.name}: ${what}`, async () => {
    const { code, said } = await promtool([testOf(it)]);
    assert.is(code, 0, said);
  });
}

test('an alert that does not fire as expected, or fires unexpectedly, would be noticed', async () => {
  const [good] = CASES;
  assert.ok(good);
  for (const wrong of [
    { ...good, fires: ['FlashfreezeNoSuccess'] },
    { ...good, evaluatedAtHour: 28 },
  ]) {
    const { code, said } = await promtool([testOf(wrong)]);
    assert.is.not(code, 0);
    assert.match(said, 'FAILED');
  }
});

test('every alert fires in one of the cases, and the file has no fault', async () => {
  const fired = new Set(CASES.flatMap(({ fires }) => fires));
  assert.equal([...fired].sort(), NAMES.toSorted());
  const { code, stdout, stderr } = await tryCommand('promtool', ['check', 'rules', RULES]);
  assert.is(code, 0, `${stdout}${stderr}`);
});

test('the labels and sentences are those of the machine', async () => {
  const [, , late] = CASES;
  assert.ok(late);
  const { code, said } = await promtool([
    {
      ...testOf(late),
      alert_rule_test: [
        {
          alertname: 'FlashfreezeNoSuccess',
          eval_time: '28h',
          exp_alerts: [
            {
              exp_labels: { severity: 'critical', host: 'db1', origin: 'command' },
              exp_annotations: {
                summary: 'db1: the last good snapshots (command) are 1d 3h 0m 0s old',
                description:
                  'Look at `flashfreeze status` and `flashfreeze report` on the machine.',
              },
            },
          ],
        },
      ],
    },
  ]);
  assert.is(code, 0, said);
});

test.run();
