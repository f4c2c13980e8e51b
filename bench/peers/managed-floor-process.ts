/** The floor of managed disks, in a process of its own: reads `{mountPoints}` on standard input, prints a FloorReport. */
import { text } from 'node:stream/consumers';
import { DiskLanes } from '../../src/snapshot/managed/disk-lanes.ts';
import { readManagedSet } from '../../src/snapshot/managed/managed-set.ts';
import { TokenKeeper } from '../../src/snapshot/managed/token-keeper.ts';
import { FiredAnswers, measureFloor } from './fired-answers.ts';
import type { FloorReport, FloorRequest } from './floor.ts';

const TOKEN_LIFE_MS = 120_000;
const EVERY_DISK = {
  ...{ group: undefined, namePrefix: undefined, tags: [], clientId: undefined },
  ...{ includeLuns: undefined, excludeLuns: [] },
};

async function measure({ mountPoints }: Pick<FloorRequest, 'mountPoints'>): Promise<FloorReport> {
  const answers = new FiredAnswers();
  const abort = new AbortController().signal;
  const { manager, prepared } = await readManagedSet(EVERY_DISK, {
    ...{ runId: 'floor', proxyFor: () => undefined, abort },
  });
  const tokens = new TokenKeeper({
    ...{ audience: manager.audience, clientId: undefined, learnSecret: () => {}, abort },
  });
  await using lanes = await DiskLanes.open(prepared, {
    ...{ tokens, neededUntilMs: () => Date.now() + TOKEN_LIFE_MS, onEvent: answers.hear },
  });
  const refused = (await lanes.preflight()).find(({ ok }) => !ok);
  if (refused?.ok === false) {
    throw new Error(refused.failure.message);
  }
  const { freeze, requestsMs } = await measureFloor(mountPoints, lanes, answers, prepared.length);
  const snapshots = (await lanes.answers()).map(({ snapshot }) => snapshot ?? null);
  return { freeze, requestsMs, snapshots };
}

const request = JSON.parse(await text(process.stdin)) as Pick<FloorRequest, 'mountPoints'>;
process.stdout.write(JSON.stringify(await measure(request)));
