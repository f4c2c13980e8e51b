import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArmClient, type ArmReply } from '../../src/lab/arm-client.ts';
import { thawCompletely } from '../../src/lab/loop-devices.ts';
import { freezeAll } from './mistakes.ts';
import type { TakeSnapshots } from './proof-run.ts';

/**
 * When a tool takes the snapshot of a managed disk for taken: when the resource manager has accepted the request (202), as
 * scripts do, which is the mistake; or when the operation says `Succeeded`.
 */
export type ThawMoment = 'accepted' | 'succeeded';

const POLL_MS = 50;

/** Takes snapshots of managed disks with fsfreeze(8) and fetch: all are frozen, all are requested, all are thawed. */
export function takeThawingWhen(moment: ThawMoment): TakeSnapshots {
  return async ({ targets, mountPoints }) => {
    const client = await ArmClient.open('AzurePublicCloud');
    const locations = await Promise.all(targets.map((disk) => locationOf(client, disk)));
    const snapshots = targets.map(snapshotOf);
    try {
      await freezeAll(mountPoints);
      await Promise.all(
        snapshots.map(async (snapshot, index) => {
          const body = bodyFor(targets[index] ?? '', locations[index] ?? '');
          const accepted = await client.put(snapshot, body);
          if (moment === 'succeeded') {
            await untilSucceeded(client, accepted);
          }
        }),
      );
    } finally {
      await Promise.all(mountPoints.map(thawCompletely));
    }
    return { ok: true, snapshots, claimed: snapshots.map(() => true), longestWindowMs: 0 };
  };
}

function snapshotOf(disk: string): string {
  return `${disk.replace(/disks\/([^/]+)$/, 'snapshots/$1')}-${randomUUID()}`;
}

async function locationOf(client: ArmClient, disk: string): Promise<string> {
  return ((await client.get(disk)).body as { readonly location: string }).location;
}

function bodyFor(disk: string, location: string): object {
  const creationData = { createOption: 'Copy', sourceResourceId: disk };
  return { location, properties: { creationData, incremental: true } };
}

async function untilSucceeded(client: ArmClient, { headers }: ArmReply): Promise<void> {
  const url = headers.get('azure-asyncoperation') ?? '';
  for (;;) {
    const { status } = (await client.get(url)).body as { readonly status: string };
    if (status === 'Succeeded') {
      return;
    }
    if (status !== 'InProgress') {
      throw new Error(`an operation ended with ${status}`);
    }
    await sleep(POLL_MS);
  }
}
