import { lookAtSet } from '../backup/look-at-set.ts';
import { machineProxy } from '../config/machine-proxy.ts';
import type { Plan } from '../filesystems/plan-types.ts';
import { type Blob, type GivenBlob, parseBlob } from '../snapshot/blob/blob.ts';
import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { BlobLanes } from '../snapshot/blob/lanes.ts';
import { expiryOf } from '../snapshot/blob/sas-expiry.ts';
import type { Preflight } from '../snapshot/snapshot-types.ts';
import type { MachineFacts, SetFacts } from './doctor-types.ts';

/**
 * Asks the service for every blob whether it can be snapshotted, and checks the set of the blobs. A malformed URL
 * does not affect the check of the other blobs. Never rejects.
 *
 * @param plan undefined if there is none
 */
export async function readBlobs(
  given: readonly GivenBlob[],
  plan: Plan | undefined,
): Promise<Pick<MachineFacts, 'blobs' | 'set'>> {
  const parsed = given.map(parsedOrProblem);
  const blobs = parsed.flatMap((it) => (typeof it === 'string' ? [] : [it]));
  const answers = await askBlobs(blobs);
  const problemOf = (it: Blob | string): string | undefined => {
    const answer = typeof it === 'string' ? undefined : answers[blobs.indexOf(it)];
    return typeof it === 'string' ? it : answer?.ok === false ? answer.failure.message : undefined;
  };
  return {
    blobs: parsed.map((it, index) => {
      const url = given[index]?.url ?? '';
      return { blob: withoutQuery(url), problem: problemOf(it), expires: expiryOf(url) };
    }),
    set:
      plan === undefined || blobs.length < given.length
        ? undefined
        : await setOf(blobs, plan, answers),
  };
}

/** The blob, or the problem of its URL. */
function parsedOrProblem(given: GivenBlob, index: number): Blob | string {
  try {
    return parseBlob(given, `blob URL ${index + 1}`);
  } catch (error) {
    return messageOf(error);
  }
}

type Answer = Preflight | { readonly ok: false; readonly failure: { readonly message: string } };

/** The answer for each blob, in the order of the blobs. */
async function askBlobs(blobs: readonly Blob[]): Promise<readonly Answer[]> {
  if (blobs.length === 0) {
    return [];
  }
  const targets = blobs.map((blob, index) => ({
    blob,
    metadata: [],
    clientRequestId: `doctor/${index}`,
  }));
  try {
    await using lanes = await BlobLanes.open(targets, { proxyFor: machineProxy() });
    return await lanes.preflight();
  } catch (error) {
    return blobs.map(() => ({ ok: false, failure: { message: messageOf(error) } }));
  }
}

async function setOf(
  blobs: readonly Blob[],
  plan: Plan,
  answers: readonly Answer[],
): Promise<SetFacts | undefined> {
  const preflights = answers.filter((it) => it.ok);
  if (preflights.length < blobs.length) {
    return undefined;
  }
  const request = {
    blobs,
    strictMatch: false,
    isPartial: false,
    foreignBlobs: 'doubt',
    includedLuns: undefined,
  } as const;
  try {
    const { warnings, faults } = await lookAtSet(request, plan, preflights);
    return { warnings, faults };
  } catch (error) {
    return { warnings: [messageOf(error)], faults: [] };
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
