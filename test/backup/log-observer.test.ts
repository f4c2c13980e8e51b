import assert from 'node:assert/strict';
import { RunContext } from '../../src/backup/context.ts';
import { LogObserver } from '../../src/backup/log-observer.ts';
import type { PhaseName } from '../../src/backup/record.ts';
import { configuredRequest } from '../../src/backup/request.ts';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../src/config/vmbackup.ts';
import { HeldLog } from '../../src/log/held-log.ts';
import { Redaction } from '../../src/log/redaction.ts';
import { suite } from '../suite.ts';

const test = suite('log observer');

interface Observed {
  readonly context: RunContext;
  /** What has been written so far: the text of each line. */
  written(): readonly string[];
}

function observed(logsWhileFrozen = true): Observed {
  let text = '';
  const sink = {
    write: (lines: string): void => {
      text += lines;
    },
  };
  const log = new HeldLog({ sink, redaction: new Redaction(), logsWhileFrozen });
  const request = { ...configuredRequest(DEFAULT_VM_BACKUP_CONFIGURATION), taskId: 'task' };
  return {
    context: new RunContext(request, new LogObserver(log), new AbortController().signal),
    written: () => text.split('\n').flatMap((line) => /^\S+ [A-Z]+ (.*)/.exec(line)?.[1] ?? []),
  };
}

async function runPhases({ context }: Observed, ...phases: readonly PhaseName[]): Promise<void> {
  for (const phase of phases) {
    await context.phase(phase, async () => context.note(`in ${phase}`));
  }
}

const CASES: readonly {
  readonly name: string;
  readonly phases: readonly PhaseName[];
  /** The last line that is written before everything is released. */
  readonly last: RegExp;
}[] = [
  {
    name: 'with an application: from where it is quiesced',
    phases: ['rewarm', 'quiesce', 'prepare', 'rewarm', 'arm', 'window', 'resume'],
    last: /^quiesce: run the pre-scripts/,
  },
  {
    name: 'without one: from the window',
    phases: ['settle', 'rewarm', 'arm', 'window'],
    last: /^arm took/,
  },
  {
    name: 'in two windows',
    phases: ['arm', 'window', 'arm', 'window'],
    last: /^arm took/,
  },
];

for (const { name, phases, last } of CASES) {
  test(`nothing is written until the run holds nothing any more, ${name}`, async () => {
    const run = observed();
    let before: readonly string[] = [];
    run.context.resources.defer(() => {
      run.context.note('released');
      before = run.written();
    });
    await runPhases(run, ...phases);
    await run.context.release();
    assert.match(before.at(-1) ?? '', last);
    // A description, unless of the window; what is noted in it; its duration.
    const all = phases.length * 3 - phases.filter((phase) => phase === 'window').length;
    assert.equal(run.written().length, all + 1);
    assert.equal(run.written().at(-1), 'released');
  });
}

test('the log is written also if a phase and a resource fail', async () => {
  const run = observed();
  run.context.resources.defer(() => {
    throw new Error('cannot be released');
  });
  const failing = async (): Promise<void> => {
    await using context = run.context;
    await context.phase('quiesce', async () => {
      context.warn('fails');
      throw new Error('refused');
    });
  };
  await assert.rejects(failing());
  assert.ok(run.written().includes('fails'));
});

test('LoggingOff leaves out what happens while file systems are frozen, and nothing else of the hold', async () => {
  const run = observed(false);
  await runPhases(run, 'quiesce', 'window', 'resume');
  await run.context.release();
  const written = run.written().join('\n');
  assert.match(written, /in quiesce\nquiesce took .*\nresume: .*\nin resume\nresume took/);
  assert.doesNotMatch(written, /window/);
});

test.run();
