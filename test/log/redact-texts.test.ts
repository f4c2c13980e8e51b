import * as assert from 'uvu/assert';
import { jsonText } from '../../src/log/printable.ts';
import { redactTexts } from '../../src/log/redact-texts.ts';
import { Redaction } from '../../src/log/redaction.ts';
import { summarize } from '../../src/report/summary.ts';
import { busyRecord } from '../report/fixtures/runs.ts';
import { suite } from '../suite.ts';

const test = suite('redaction of texts');

function knowing(...secrets: string[]): Redaction {
  const redaction = new Redaction();
  for (const secret of secrets) {
    redaction.add(secret);
  }
  return redaction;
}

/** Passwords that are also parts of keys, numbers, times, URIs and devices of a run. */
const PASSWORDS = ['disk', '2026', '1009', '0.02', 'vhds', '/dev/sd', 'true', 'windowMs', 'null'];

for (const password of PASSWORDS) {
  test(`a password ${password} changes nothing but sentences of what snapshot --json prints`, () => {
    const { problems, warnings, disks, ...rest } = summarize(busyRecord(4));
    const summary = {
      ...rest,
      disks: disks.map((disk) => ({ ...disk, error: `the server said ${password}` })),
      application: {
        name: 'mysql',
        heldMs: 1009,
        findings: [{ code: 500 as const, message: `${password} is wrong` }],
      },
      problems: [`no ${password}`],
      warnings: [`no ${password}`],
    };
    assert.equal(JSON.parse(jsonText(redactTexts(summary, knowing(password)))), {
      ...JSON.parse(JSON.stringify(summary)),
      disks: disks.map((disk) => ({ ...disk, error: 'the server said REDACTED' })),
      application: {
        name: 'mysql',
        heldMs: 1009,
        findings: [{ code: 500, message: 'REDACTED is wrong' }],
      },
      problems: ['no REDACTED'],
      warnings: ['no REDACTED'],
    });
  });
}

test('what looks like a secret is replaced in every text', () => {
  const url = 'https://account.blob.example/vhds/x.vhd?sv=1&sig=Tywk%2FOXL1zvhXcLujtC%3D';
  assert.equal(redactTexts({ blob: url, names: [url], count: 1, nothing: null }, knowing()), {
    blob: 'https://account.blob.example/vhds/x.vhd?sv=1&sig=REDACTED',
    names: ['https://account.blob.example/vhds/x.vhd?sv=1&sig=REDACTED'],
    count: 1,
    nothing: null,
  });
});

test.run();
