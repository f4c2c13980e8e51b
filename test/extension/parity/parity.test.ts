import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../../suite.ts';
import { type Allowed, type Difference, differences, isAllowed } from './compare.ts';
import { readPairs, renderOurs } from './render-ours.ts';

const test = suite('parity with the replaced extension');

const ALLOWED = JSON.parse(
  readFileSync(join(import.meta.dirname, 'differences.json'), 'utf8'),
) as Allowed[];
const PAIRS = readPairs();

function notAllowed(name: string, found: readonly Difference[]): Difference[] {
  return found.filter((difference) => !ALLOWED.some((it) => isAllowed(it, name, difference)));
}

for (const [name, pair] of PAIRS) {
  test(`${name}: ${pair.what}`, async () => {
    const found = differences(pair.expected, await renderOurs(pair));
    assert.equal(notAllowed(name, found), []);
  });
}

test('every intended difference still exists in each case that it names, and has a reason', async () => {
  const found = new Map<string, Difference[]>();
  for (const [name, pair] of PAIRS) {
    found.set(name, differences(pair.expected, await renderOurs(pair)));
  }
  for (const allowed of ALLOWED) {
    assert.match(allowed.reason, /\.$/);
    const cases = allowed.cases.filter((it) => it !== '*');
    const appliesTo = (name: string): boolean =>
      (found.get(name) ?? []).some((difference) => isAllowed(allowed, name, difference));
    const isNeeded = cases.length > 0 ? cases.every(appliesTo) : [...PAIRS.keys()].some(appliesTo);
    assert.ok(isNeeded, `no longer differs: ${allowed.path} (${allowed.cases.join(', ')})`);
  }
});

test('a changed field is found, whichever it is', async () => {
  for (const [name, pair] of PAIRS) {
    const ours = await renderOurs(pair);
    const changes: readonly (readonly [what: RegExp, by: string])[] = [
      [/"code":"\d+"/, '"code":"999"'],
      [/"vmHealthState":\d+/, '"vmHealthState":7'],
      [/"taskId":"[^"]+"/, '"taskId":"another"'],
      [/"Value":"2\.15\.0\.1"/, '"Value":"2.15"'],
      [/"totalUsedSizeInBytes":\d+/, '"totalUsedSizeInBytes":1'],
      [/"operation":"Enable",/, ''],
      [/"uniqueMachineId":/, '"more":1,"uniqueMachineId":'],
      [/"snapshotInfo":\[\{"isSuccessful":\w+/, '"snapshotInfo":[{"isSuccessful":"perhaps"'],
    ];
    for (const [what, by] of changes) {
      const text = JSON.stringify(ours);
      const changed = text.replace(what, by);
      assert.is.not(changed, text, `${name}: ${what}`);
      const found = notAllowed(name, differences(pair.expected, JSON.parse(changed)));
      const isHidden = ['host-error', 'late'].includes(name) && by.startsWith('"snapshotInfo"');
      const isHealth = by.startsWith('"vmHealth') && ['d11', 'd14', 'd22'].includes(name);
      assert.ok(isHidden || isHealth || found.length > 0, `${name}: ${what}`);
    }
  }
});

test('a message does not tell the secret of a tolerated script', async () => {
  const pair = PAIRS.get('d8');
  assert.ok(pair !== undefined);
  const message =
    'the pre-script /a/pre.sh ended with exit code 7: curl https://a/b?sig=c2VjcmV0 failed';
  const findings = [{ code: 300, message, tolerated: true }] as const;
  const ours = JSON.stringify(await renderOurs({ ...pair, application: { name: 'x', findings } }));
  assert.match(ours, '/a/pre.sh ended with exit code 7');
  assert.not.match(ours, 'c2VjcmV0');
});

test('no pair tells a signature', async () => {
  for (const [name, pair] of PAIRS) {
    assert.not.match(JSON.stringify(await renderOurs(pair)), 'c2VjcmV0', name);
  }
});

test.run();
