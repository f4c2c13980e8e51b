import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import { notify } from '../../src/notify/notify.ts';
import { parseRunFile } from '../../src/report/parse-run-file.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { inTime } from '../in-time.ts';
import { busyRecord, runOf } from '../report/fixtures/runs.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('notify');
const RUN = runOf(goodRecord(64));
const NOTIFICATION = { run: RUN, json: `${JSON.stringify(RUN)}\n`, path: '/var/log/run.json' };

let count = 0;

/** @returns its path */
function program(body: string, mode = 0o755): string {
  count += 1;
  const path = `/lab/notify-${count}`;
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, mode);
  return path;
}

test('the command gets the run as JSON, its arguments and what it has to know in variables, and nothing else', async () => {
  process.env.FLASHFREEZE_TEST_SECRET = 'hush';
  const path = program('cat >/lab/got; printf "%s\\n" "$@" >/lab/words; env >/lab/env');
  const heard = await notify([path, '--to', 'the operator'], NOTIFICATION);
  assert.equal(heard, { problem: undefined, output: [] });
  assert.equal(parseRunFile(readFileSync('/lab/got', 'utf8'), 'got'), RUN);
  assert.is(readFileSync('/lab/words', 'utf8'), '--to\nthe operator\n');
  const variables = readFileSync('/lab/env', 'utf8');
  for (const line of [
    'FLASHFREEZE_RESULT=success',
    'FLASHFREEZE_ORIGIN=snapshot',
    'FLASHFREEZE_RUN=task-1',
    'FLASHFREEZE_HOST=db1',
    'FLASHFREEZE_REPORT=/var/log/run.json',
  ]) {
    assert.ok(variables.split('\n').includes(line), line);
  }
  assert.not.match(variables, 'hush');
});

test('a failure and a refusal are told apart', async () => {
  const path = program('printf %s "$FLASHFREEZE_RESULT:$FLASHFREEZE_REPORT" >/lab/result');
  const failed = runOf(busyRecord(8));
  const refused = { ...failed, summary: null, timeline: null };
  for (const [run, result] of [
    [failed, 'failed:'],
    [refused, 'refused:'],
  ] as const) {
    await notify([path], { run, json: '{}', path: undefined });
    assert.is(readFileSync('/lab/result', 'utf8'), result);
  }
});

test('a command that fails is named with its exit code, and what it printed is kept', async () => {
  const path = program('echo no mail server >&2; exit 3');
  assert.equal(await notify([path], NOTIFICATION), {
    problem: `the notify command ${path} ended with exit code 3`,
    output: [`the notify command ${path} printed:\nno mail server`],
  });
});

test('one that does not end is ended with all its processes', async () => {
  const path = program('sh -c "echo \\$\\$ >/lab/child; while :; do sleep 1; done" & wait');
  const { problem } = await inTime(
    2,
    (limitS) => notify([path], NOTIFICATION, limitS * 1_000),
    () => existsSync('/lab/child'),
  );
  assert.match(problem ?? '', /did not end within \d+ s and was ended with all its processes/);
  const child = readFileSync('/lab/child', 'utf8').trim();
  // A signal to a process group is on its way for a moment.
  while (isAlive(child)) {
    await delay(10);
  }
});

/** A process that has ended may still be listed until it is reaped. */
function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('one that does not read its input is no failure, and what it leaves in the background is not waited for', async () => {
  const path = program('sleep 30 <&0 & exit 0');
  const json = JSON.stringify({ much: 'x'.repeat(4_000_000) });
  const heard = await notify([path], { ...NOTIFICATION, json }, 20_000);
  assert.is(heard.problem, undefined);
});

test('a program of the distribution works, with a shell too', async () => {
  const heard = await notify(['/bin/sh', '-c', 'cat >/lab/by-shell'], NOTIFICATION);
  assert.is(heard.problem, undefined);
  assert.is(readFileSync('/lab/by-shell', 'utf8'), NOTIFICATION.json);
});

test('what another user than root could change is not run', async () => {
  const body = 'touch /lab/was-run';
  const writable = program(body, 0o777);
  const foreign = program(body);
  chownSync(foreign, 1_000, 0);
  mkdirSync('/lab/open');
  chmodSync('/lab/open', 0o1777);
  const inOpen = join('/lab/open', 'notify');
  writeFileSync(inOpen, `#!/bin/sh\n${body}\n`);
  chmodSync(inOpen, 0o755);
  for (const [path, reason] of [
    [writable, 'has mode 0777; run chmod 0755'],
    [foreign, 'belongs to uid 1000'],
    [inOpen, 'writable by others'],
    ['/lab/none', 'does not exist'],
    ['notify', 'is not an absolute path'],
  ] as const) {
    const { problem } = await notify([path], NOTIFICATION);
    assert.match(problem ?? '', 'the notify command was not run: ');
    assert.match(problem ?? '', reason);
  }
  assert.not(existsSync('/lab/was-run'));
});

test('one that cannot be started is named with the reason', async () => {
  const path = program('');
  writeFileSync(path, '#!/nowhere/interpreter\n');
  const { problem } = await notify([path], NOTIFICATION);
  assert.match(problem ?? '', 'could not be started (ENOENT)');
});

test.run();
