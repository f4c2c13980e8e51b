/**
 * What snapshots by the host cannot be shorter than: reads a HostRunRequest, prints a HostFloorReport.
 * Freezes and thaws everything and nothing else, and then makes the same call with nothing frozen.
 */
import { text } from 'node:stream/consumers';
import { HostProvider } from '../../src/snapshot/host/host-provider.ts';
import { millisecondsOf } from '../probe/figures.ts';
import { BareFreeze } from './bare-freeze.ts';
import type { HostFloorReport, HostRunRequest } from './host.ts';
import { callFor, openAsked } from './host-task.ts';

const LIMIT_NS = 50_000_000_000n;
/** Until the way of a request is compiled: this one leaves as fast as it can. */
const WARM_UP_ROUNDS = 5;

async function callMs(luns: readonly number[]): Promise<number> {
  await using client = await openAsked();
  const { promise: answeredNs, resolve } = Promise.withResolvers<bigint>();
  await using provider = new HostProvider(client, callFor(luns), {
    onEvent: ({ atNs }) => resolve(atNs),
  });
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    await provider.rewarm();
  }
  const startNs = process.hrtime.bigint();
  provider.fire([0], startNs + LIMIT_NS);
  return millisecondsOf((await answeredNs) - startNs);
}

const { luns, mountPoints } = JSON.parse(await text(process.stdin)) as HostRunRequest;
await using freezer = new BareFreeze(mountPoints);
await freezer.settle();
const freeze = await freezer.freezeAndThaw({ order: 'at-once', expedite: true });
const report: HostFloorReport = { freeze, callMs: await callMs(luns) };
process.stdout.write(JSON.stringify(report));
