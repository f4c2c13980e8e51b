import { mkdtempDisposable, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Chain, expectedHolding, stepOf } from '../../bench/proof/order.ts';
import { rawDiskBytes, rawOffset, readRaw } from '../../bench/proof/raw-area.ts';
import { encodeRecord, RECORD_BYTES } from '../../bench/proof/record.ts';
import { judgeSnapshot } from '../../bench/proof/verdict.ts';
import { suite } from '../suite.ts';

const test = suite('records on a raw disk');
const CHAINS: readonly Chain[] = [
  { number: 0, places: [0, 1] },
  { number: 1, places: [1, 0] },
];
const LAST = 100;

/** The image of place 1 after so many records of each chain, and what `damage` does to it. */
async function imageIn(
  directory: string,
  damage: (write: (bytes: Buffer, at: number) => Promise<unknown>) => Promise<unknown>,
): Promise<string> {
  const path = join(directory, 'raw.img');
  await using image = await open(path, 'w+');
  await image.truncate(rawDiskBytes(CHAINS.length));
  const write = (bytes: Buffer, at: number) => image.write(bytes, 0, bytes.length, at);
  for (const chain of CHAINS) {
    for (let k = 1; k <= LAST; k += 1) {
      const step = stepOf(chain, k);
      if (step.place === 1) {
        await write(encodeRecord(chain.number, k), rawOffset(chain.number, step));
      }
    }
  }
  await damage(write);
  return path;
}

test('come back as they were put there', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'raw-area-'));
  const image = await imageIn(directory.path, async () => {});
  const observations = await readRaw(image, 1, CHAINS);
  assert.equal(
    observations,
    CHAINS.map((chain) => ({ place: 1, damage: [], ...expectedHolding(chain, 1, LAST) })),
  );
});

test('are damaged where something else lies between them', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'raw-area-'));
  const second = rawOffset(0, { place: 1, kind: 'append', slot: 0, round: 2 });
  const image = await imageIn(directory.path, (write) => write(Buffer.alloc(RECORD_BYTES), second));
  const [first, other] = await readRaw(image, 1, CHAINS);
  assert.is(first?.damage.length, 1);
  assert.equal(other?.damage, []);
});

test('end with their area', () => {
  const step = { place: 1, kind: 'append', slot: 0, round: 200_000 } as const;
  assert.throws(() => rawOffset(1, step), /the area of chain 1 .* is full/);
});

test('are asked for only on the disks that are said to show the instant', () => {
  const [chain] = CHAINS;
  assert.ok(chain);
  const showing = (place: number, last: number) => ({
    place,
    state: { kind: 'clean' } as const,
    observations: [{ place, damage: [], ...expectedHolding(chain, place, last) }],
  });
  const progress = { before: [41], after: [70] };
  const judge = (...findings: ReturnType<typeof showing>[]) =>
    judgeSnapshot([chain], findings, progress).chains[0];
  // Record 41 lies on place 0, 42 and 60 on place 1.
  const both = judge(showing(0, 41), showing(1, 60));
  assert.ok(both && both.violations.length > 0);
  assert.equal(judge(showing(0, 41))?.violations, []);
  assert.is(judge(showing(1, 40))?.stale, false);
  assert.is(judge(showing(0, 39))?.stale, true);
});

test.run();
