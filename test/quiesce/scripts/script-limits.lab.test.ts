import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterLab } from '../../../src/lab/namespace.ts';
import { suite } from '../../suite.ts';
import { codesOf, run, traceOf } from './quiesce-and-resume.ts';
import { ScriptFiles } from './script-files.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('limits of pre- and post-scripts');
/** A script must have begun to hang by then, also on a busy machine. */
const SECONDS_TO_BEGIN = 4;

const HANG = `
sleep 1000 &
(trap '' TERM; exec sleep 1000) &
echo $! > "$1"
trace hangs
wait`;

test('a pre-script that hangs with a daemon is ended with all its processes: 308', async () => {
  const files = new ScriptFiles();
  const daemon = files.path('daemon');
  const ran = await run(
    files.host([
      files.usual({
        preScriptLocation: files.script('hang', HANG),
        preScriptParams: [daemon],
        preScriptNoOfRetries: 3,
        timeoutInSeconds: SECONDS_TO_BEGIN,
      }),
    ]),
  );
  assert.is(ran.before, 'freeze 308');
  assert.is(traceOf(files), 'hangs\npost');
  await assertGone(Number(readFileSync(daemon, 'utf8')));
});

test('a post-script that hangs: 309', async () => {
  const files = new ScriptFiles();
  const daemon = files.path('daemon');
  const ran = await run(
    files.host([
      files.usual({
        postScriptLocation: files.script('hang', HANG),
        postScriptParams: [daemon],
        timeoutInSeconds: SECONDS_TO_BEGIN,
      }),
    ]),
  );
  assert.is(ran.before, 'freeze');
  assert.equal(codesOf(ran), [309]);
  await assertGone(Number(readFileSync(daemon, 'utf8')));
});

/** Killed already; its number may be there until somebody has reaped it. */
async function assertGone(pid: number): Promise<void> {
  const state = (): string | undefined => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0];
    } catch {
      return undefined;
    }
  };
  for (let waited = 0; waited < 60_000 && ![undefined, 'Z'].includes(state()); waited += 20) {
    await delay(20);
  }
  assert.ok([undefined, 'Z'].includes(state()), `${pid} is in state ${state()}`);
}

test('the time of all scripts together limits their retries: 310 and 311', async () => {
  const files = new ScriptFiles();
  const slow = files.script('slow', 'sleep 0.4; exit 1');
  const ran = await run(
    files.host(
      [
        files.usual({
          preScriptLocation: slow,
          postScriptLocation: slow,
          preScriptNoOfRetries: 100,
          postScriptNoOfRetries: 100,
        }),
      ],
      'timeoutInSeconds=1',
    ),
  );
  assert.is(ran.before, 'freeze 310');
  assert.equal(codesOf(ran), [310, 311]);
});

test('plugins run side by side', async () => {
  const files = new ScriptFiles();
  // Each waits until the other has begun.
  const meet = (own: string, other: string): string =>
    `touch ${files.path(own)}; until [ -e ${files.path(other)} ]; do sleep 0.05; done; trace ${own}`;
  const plugin = (own: string, other: string): string =>
    files.usual(
      { preScriptLocation: files.script(`pre-${own}`, meet(own, other)), timeoutInSeconds: 60 },
      `${own}.json`,
    );
  const ran = await run(files.host([plugin('a', 'b'), plugin('b', 'a')]));
  assert.is(ran.before, 'freeze');
  assert.is(traceOf(files).split('\n').toSorted().join(' '), 'a b post post');
});

test('an abort ends a pre-script at once, and the post-script is run all the same', async () => {
  const files = new ScriptFiles();
  const begun = files.path('begun');
  const hang = files.script('p', `touch ${begun}; sleep 1000`);
  const abort = new AbortController();
  const running = run(
    files.host([files.usual({ preScriptLocation: hang, timeoutInSeconds: 250 })]),
    { abort: abort.signal },
  );
  while (!existsSync(begun)) {
    await delay(20);
  }
  abort.abort();
  const ran = await running;
  assert.is(ran.before, 'freeze 300');
  assert.is(traceOf(files), 'post');
});

test.run();
