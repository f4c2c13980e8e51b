import { lookAtSet } from '../backup/look-at-set.ts';
import type { RequestedBlob } from '../backup/request.ts';
import { machineProxy } from '../config/machine-proxy.ts';
import type { Plan } from '../filesystems/model.ts';
import { parseBlobUrl, withoutQuery } from '../snapshot/blob/blob-url.ts';
import { BlobLanes } from '../snapshot/blob/lanes.ts';
import type { Preflight } from '../snapshot/model.ts';
import { expiryOf } from './blob-checks.ts';
import type { MachineFacts } from './model.ts';

/**
 * Asks for every blob whether it can be snapshotted, and looks at the set that they are. A URL that is none says
 * nothing about the others. Never rejects.
 *
 * @param plan undefined if there is none
 */
export async function readBlobs(
  blobs: readonly RequestedBlob[],
  plan: Plan | undefined,
): Promise<Pick<MachineFacts, 'blobs' | 'setProblems'>> {
  const urlProblems = blobs.map(({ url }, index) => urlProblem(url, index));
  const asked = blobs.filter((_, index) => urlProblems[index] === undefined);
  const answers = await askBlobs(asked.map(({ url }) => url));
  const problemOf = (blob: RequestedBlob): string | undefined => {
    const answer = answers[asked.indexOf(blob)];
    return answer?.ok === false ? answer.failure.message : undefined;
  };
  return {
    blobs: blobs.map((blob, index) => ({
      blob: withoutQuery(blob.url),
      problem: urlProblems[index] ?? problemOf(blob),
      expires: expiryOf(blob.url),
    })),
    setProblems:
      plan === undefined || asked.length < blobs.length
        ? undefined
        : await setProblemsOf(blobs, plan, answers),
  };
}

function urlProblem(url: string, index: number): string | undefined {
  try {
    parseBlobUrl(url, `blob URL ${index + 1}`);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

type Answer = Preflight | { readonly ok: false; readonly failure: { readonly message: string } };

/** What was found of each, in their order. */
async function askBlobs(urls: readonly string[]): Promise<readonly Answer[]> {
  if (urls.length === 0) {
    return [];
  }
  const targets = urls.map((url, index) => ({
    url,
    metadata: [],
    clientRequestId: `doctor/${index}`,
  }));
  try {
    await using lanes = await BlobLanes.open(targets, { proxyFor: machineProxy() });
    return await lanes.preflight();
  } catch (error) {
    return urls.map(() => ({ ok: false, failure: { message: messageOf(error) } }));
  }
}

async function setProblemsOf(
  blobs: readonly RequestedBlob[],
  plan: Plan,
  answers: readonly Answer[],
): Promise<readonly string[] | undefined> {
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
    const names = blobs.map(({ url }) => withoutQuery(url));
    return (await lookAtSet(request, plan, preflights, names)).warnings;
  } catch (error) {
    return [messageOf(error)];
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
