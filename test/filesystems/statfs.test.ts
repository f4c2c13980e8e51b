import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readUsedBytes, type StatfsLimits } from '../../src/filesystems/statfs.ts';
import { inTime } from '../in-time.ts';
import { suite } from '../suite.ts';

const test = suite('used bytes');

/** For one that hangs; those that answer have to do so within it. */
const SHORT_S = 0.4;
const ALL_MS = 120_000;

/** Asks again with a longer limit if some did not answer that should. */
async function readInTime(
  paths: readonly string[],
  answering: number,
  firstS: number,
  limits: (ms: number) => StatfsLimits,
): Promise<(number | undefined)[]> {
  return await inTime(
    firstS,
    (limitS) => readUsedBytes(paths, limits(limitS * 1_000)),
    (answers) => answers.filter((it) => it !== undefined).length >= answering,
  );
}

/**
 * Puts a stat(1) first in PATH that does what its last argument says: `hang` hangs and cannot be
 * asked to end, other words are answers.
 */
async function withFakeStat(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ff-stat-'));
  const program = join(folder, 'stat');
  const lines = [
    '#!/bin/sh',
    'for last; do :; done',
    'case $last in',
    "hang) trap '' TERM INT HUP; exec sleep 3600;;",
    'fail) exit 1;;',
    '*) echo "$last";;',
    'esac',
  ];
  writeFileSync(program, `${lines.join('\n')}\n`);
  chmodSync(program, 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${folder}:${path}`;
  try {
    await body(folder);
  } finally {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  }
}

test('are what statfs says, for odd names too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ff -used\n$(size)'));
  try {
    const [used, none, alsoUsed] = await readUsedBytes([folder, '/does/not/exist', '-f']);
    const { bsize, blocks, bfree } = statfsSync(folder);
    const expected = bsize * (blocks - bfree);
    assert.ok(used !== undefined && Math.abs(used - expected) < 1024 ** 3);
    assert.is(none, undefined);
    assert.is(alsoUsed, undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('nothing asked, nothing answered', async () => {
  assert.equal(await readUsedBytes([]), []);
});

test('one that hangs is left behind, and the others are asked all the same', () =>
  withFakeStat(async () => {
    const paths = ['512 10 4', 'hang', '4096 100 0', 'fail', 'hang', '1 1 0', 'nonsense'];
    const limits = (eachMs: number): StatfsLimits => ({ eachMs, allMs: ALL_MS });
    assert.equal(await readInTime(paths, 3, SHORT_S, limits), [
      3_072,
      undefined,
      409_600,
      undefined,
      undefined,
      1,
      undefined,
    ]);
  }));

test('all together have a limit too', () =>
  withFakeStat(async () => {
    const paths = ['512 10 4', 'hang', '1 1 0'];
    const limits = (allMs: number): StatfsLimits => ({ eachMs: ALL_MS, allMs });
    assert.equal(await readInTime(paths, 1, 0.5, limits), [3_072, undefined, undefined]);
  }));

test('one that hangs does not keep the process from ending', () =>
  withFakeStat(async () => {
    const module = join(import.meta.dirname, '../../src/filesystems/statfs.ts');
    const program = `
      const { readUsedBytes } = await import(${JSON.stringify(module)});
      const eachMs = Number(process.argv[1]);
      const answers = await readUsedBytes(['hang', '1 1 0'], { eachMs, allMs: ${ALL_MS} });
      console.log(JSON.stringify(answers));
    `;
    const { stdout, status } = await inTime(
      SHORT_S,
      async (limitS) =>
        spawnSync(process.execPath, ['--eval', program, `${limitS * 1_000}`], {
          encoding: 'utf8',
          timeout: ALL_MS,
        }),
      (it) => it.stdout === '[null,1]\n',
    );
    assert.equal([status, stdout], [0, '[null,1]\n']);
  }));

test.run();
