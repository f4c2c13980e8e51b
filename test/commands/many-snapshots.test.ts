import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { pruneReportSchema } from '../../src/report/schemas/stored-snapshots.ts';
import { METADATA_PREFIX, membershipValues } from '../../src/restore-points/membership.ts';
import { ListingServer } from '../restore-points/fixtures/listing-server.ts';
import { manifestOf, membersOf } from '../restore-points/fixtures/members.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';

const test = suite('a container with 10,000 snapshots');

const HOUR = 3_600_000;
const RUNS = 625;
const DISKS = 16;
const KEPT = 600;
/** For the whole heap of the command; without a listing it needs about 25 MB. */
const HEAP_MB = 128;
const BOUNDED = ['env', `NODE_OPTIONS=--max-old-space-size=${HEAP_MB}`];

/** Hourly runs of sixteen disks until now, with a manifest each. */
function fill(server: ListingServer): void {
  const start = Math.floor(Date.now() / HOUR) * HOUR - 2 * HOUR;
  for (let run = 0; run < RUNS; run += 1) {
    const members = membersOf(DISKS, { run: `run-${run}`, takenAt: new Date(start - run * HOUR) });
    for (const member of members) {
      const metadata = membershipValues(member.membership, METADATA_PREFIX);
      server.addMember(member, Object.fromEntries(metadata));
    }
    server.addManifest(manifestOf(members));
  }
}

test('is listed and pruned in bounded memory, with progress on a terminal', async () => {
  await using server = await ListingServer.start();
  fill(server);
  const container = ['--container', server.containerUrl()];
  const listed = await flashfreeze(['snapshots', 'list', ...container], { under: BOUNDED });
  assert.is(listed.exitCode, 0, listed.stderr);
  assert.is(
    listed.stdout.split('\n').filter((line) => line.includes(`${DISKS} of ${DISKS}`)).length,
    RUNS,
  );

  const rule = ['--keep-hourly', String(KEPT), '--json', '--delete'];
  const pruned = await flashfreeze(['snapshots', 'prune', ...container, ...rule], {
    under: BOUNDED,
  });
  assert.is(pruned.exitCode, 0, pruned.stderr);
  const { restorePoints } = v.parse(pruneReportSchema, JSON.parse(pruned.stdout));
  assert.is(restorePoints.filter(({ stays }) => !stays).length, RUNS - KEPT);
  assert.is(server.stored.length, KEPT * (DISKS + 1));
});

test.run();
