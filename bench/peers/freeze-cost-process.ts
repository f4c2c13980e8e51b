/**
 * Settles, freezes and thaws once, in one manner: reads a FreezeCostRequest on standard input, prints
 * FreezeTimes. A process of its own, so that every manner begins the same.
 */
import { text } from 'node:stream/consumers';
import { BareFreeze } from './bare-freeze.ts';
import type { FreezeCostRequest } from './freeze-cost.ts';

const { mountPoints, manner } = JSON.parse(await text(process.stdin)) as FreezeCostRequest;
await using freezer = new BareFreeze(mountPoints);
await freezer.settle();
process.stdout.write(JSON.stringify(await freezer.freezeAndThaw(manner)));
