import { closeSync, openSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { TrustedFile } from '../../../src/config/trusted-file.ts';
import { hasWindowsLineEnds, runScript } from '../../../src/quiesce/scripts/run-script.ts';
import { suite } from '../../suite.ts';

const test = suite('run of a script');

test('a script whose file system has died is one that cannot be run, not an error', async () => {
  // A read at 0 of its own memory fails with EIO, as any read of an XFS that was shut down does.
  const path = '/proc/self/mem';
  const descriptor = openSync(path, 'r');
  const script: TrustedFile = {
    ...{ ok: true, path, descriptor, directory: '/', modeOfOthers: 0o500 },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
  using _closed = script;
  assert.is(hasWindowsLineEnds(script), false);
  const { end } = await runScript(script, { parameters: [], timeoutMs: 60_000, abort: undefined });
  // The mode is 600, so a shell would read it; a shell takes what it cannot read for an empty script.
  assert.equal(end, { kind: 'not-started', errno: 'EIO' });
});

test.run();
