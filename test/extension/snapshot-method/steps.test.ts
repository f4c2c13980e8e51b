import * as assert from 'uvu/assert';
import { SNAPSHOT_METHODS, type SnapshotMethod } from '../../../src/config/vmbackup.ts';
import {
  type GuestEnd,
  type HostEnd,
  nextStep,
  type SnapshotStep,
  type StepsTaken,
} from '../../../src/extension/snapshot-method/steps.ts';
import { combinationsOf } from '../../combinations.ts';
import { suite } from '../../suite.ts';

const test = suite('steps of a task');

const PRE_SNAPSHOTS = [200, 201, 400, 404, 500, 503, 555, 556, 557, 558] as const;
const GUEST_ENDS: readonly GuestEnd[] = ['ended', 'every-disk-failed'];
const HOST_ENDS: readonly HostEnd[] = ['ended', 'unreachable'];

/** What the world answers. */
interface World {
  readonly preSnapshot: number;
  readonly guest: GuestEnd;
  readonly host: HostEnd;
}

function walk(method: SnapshotMethod, hasBlobs: boolean, world: World): string[] {
  const walked: string[] = [];
  let taken: StepsTaken = {};
  for (;;) {
    const step = nextStep({ method, hasBlobs }, taken);
    walked.push(nameOf(step));
    if (step.kind === 'end' || step.kind === 'fail') {
      return walked;
    }
    assert.ok(walked.length < 5, walked.join(' '));
    taken = {
      ...taken,
      ...(step.kind === 'pre-snapshot' ? { preSnapshot: world.preSnapshot } : {}),
      ...(step.kind === 'guest' ? { guest: world.guest } : {}),
      ...(step.kind === 'managed' ? { guest: 'ended' } : {}),
      ...(step.kind === 'host' ? { host: world.host } : {}),
    };
  }
}

function nameOf(step: SnapshotStep): string {
  switch (step.kind) {
    case 'end':
      return `=${step.counts}`;
    case 'fail':
      return `!${step.because}`;
    default:
      return step.kind;
  }
}

/** The host says that it is ready. */
const READY: readonly number[] = [200, 201];
/** Its service runs: the only way left is tried. */
const THERE: readonly number[] = [200, 201, 400, 404, 500, 503, 557, 558];

/** Written down method by method, not computed as the product does. */
const WAYS: Readonly<Record<SnapshotMethod, (hasBlobs: boolean, world: World) => string>> = {
  onlyGuest: (hasBlobs) => (hasBlobs ? 'guest =guest' : '!no-blobs'),
  onlyHost: (_, world) => hostWay(world, THERE, '!host-unavailable'),
  firstHostThenGuest: (hasBlobs, world) =>
    hostWay(world, READY, hasBlobs ? 'guest =guest' : '!no-blobs'),
  managedIdentity: () => 'managed =guest',
  firstGuestThenHost: (hasBlobs, world) => {
    if (!hasBlobs) {
      return hostWay(world, THERE, '!host-unavailable');
    }
    return world.guest === 'ended' ? 'guest =guest' : `guest ${hostWay(world, THERE, '=guest')}`;
  },
};

function hostWay(
  { preSnapshot, host }: World,
  tried: readonly number[],
  otherwise: string,
): string {
  if (!tried.includes(preSnapshot)) {
    return `pre-snapshot ${otherwise}`;
  }
  return `pre-snapshot host ${host === 'ended' ? '=host' : otherwise}`;
}

test('every combination of method and answers is walked as it is written', () => {
  const combinations = combinationsOf({
    method: SNAPSHOT_METHODS,
    hasBlobs: [false, true],
    preSnapshot: PRE_SNAPSHOTS,
    guest: GUEST_ENDS,
    host: HOST_ENDS,
  });
  assert.is(combinations.length, 400);
  for (const { method, hasBlobs, ...world } of combinations) {
    assert.is(
      walk(method, hasBlobs, world).join(' '),
      WAYS[method](hasBlobs, world),
      JSON.stringify({ method, hasBlobs, ...world }),
    );
  }
});

test('nothing is taken by the host that was not asked before', () => {
  for (const method of SNAPSHOT_METHODS) {
    const world: World = { preSnapshot: 200, guest: 'every-disk-failed', host: 'ended' };
    const walked = walk(method, true, world);
    const host = walked.indexOf('host');
    assert.ok(host === -1 || walked[host - 1] === 'pre-snapshot', walked.join(' '));
  }
});

test.run();
