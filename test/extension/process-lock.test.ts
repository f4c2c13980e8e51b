import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exclusively } from '../../src/extension/process-lock.ts';
import { suite } from '../suite.ts';

const test = suite('locks in the directory of the extension');
const DIRECTORY = 'var/lib/waagent/Some.Publisher.SnapshotLinux-1.0.0.0';

/** What administrators and images do with the agent's directory; the extension is run from it in any case. */
const STATES: readonly (readonly [what: string, shell: string])[] = [
  ['as the agent makes it', 'true'],
  ['a directory that root’s group may write to', 'chmod 775 var/lib'],
  ['the agent’s directory open to all', 'chmod 777 var/lib/waagent'],
  ['the agent’s directory of another user', 'chown 1000 var/lib/waagent'],
  ['its own directory open to a group', `chgrp 1000 ${DIRECTORY}; chmod 770 ${DIRECTORY}`],
  ['/var as a link', 'mv var real; ln -s real var'],
  ['the agent’s directory as a link', 'mv var/lib/waagent w; ln -s ../../w var/lib/waagent'],
];

for (const [what, shell] of STATES) {
  test(`exclude with ${what}`, async () => {
    const top = mkdtempSync(join('/dev/shm', 'flashfreeze-locks-'));
    try {
      execFileSync('sh', ['-c', `mkdir -p ${DIRECTORY} && ${shell}`], { cwd: top });
      const directory = join(top, DIRECTORY);
      using _alone = await exclusively(directory, 'enable', 1_000);
      await assertHeld(directory);
    } finally {
      rmSync(top, { recursive: true });
    }
  });
}

/** A second try is refused. */
async function assertHeld(directory: string): Promise<void> {
  const error: unknown = await exclusively(directory, 'enable', 0).catch((it: unknown) => it);
  assert.match(String(error), 'this process already holds it');
}

test.run();
