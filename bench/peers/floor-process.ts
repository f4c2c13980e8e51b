/**
 * The floor, in a process of its own as what it is compared with: reads a FloorRequest on standard
 * input, prints a FloorReport. Between the two it freezes and thaws every file system at once and
 * nothing else, and then sends the same snapshot requests over warm connections with nothing frozen.
 */
import { text } from 'node:stream/consumers';
import { parseBlobs } from '../../src/snapshot/blob/blob.ts';
import { BlobLanes } from '../../src/snapshot/blob/lanes.ts';
import { FiredAnswers, measureFloor } from './fired-answers.ts';
import type { FloorReport, FloorRequest } from './floor.ts';

async function measure({ mountPoints, urls, lanes: count }: FloorRequest): Promise<FloorReport> {
  const answers = new FiredAnswers();
  const targets = parseBlobs(urls.map((url) => ({ url, device: undefined }))).map(
    (blob, index) => ({
      blob,
      metadata: [],
      clientRequestId: `floor/${index}`,
    }),
  );
  await using lanes = await BlobLanes.open(targets, {
    ...(count === undefined ? {} : { lanes: count }),
    onEvent: answers.hear,
  });
  await lanes.preflight();
  const { freeze, requestsMs } = await measureFloor(mountPoints, lanes, answers, urls.length);
  const snapshots = (await lanes.answers()).map(({ snapshot }) => snapshot ?? null);
  return { freeze, requestsMs, snapshots };
}

const request = JSON.parse(await text(process.stdin)) as FloorRequest;
process.stdout.write(JSON.stringify(await measure(request)));
