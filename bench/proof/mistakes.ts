import { thawCompletely } from '../../src/lab/loop-devices.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import type { TakeSnapshots } from './proof-run.ts';

/**
 * How a freeze can go wrong that looks right: every file system is frozen once and every request is
 * sent, but not in the order that makes one instant of it.
 */
export type Mistake = 'fired-before-frozen' | 'thawed-before-acknowledged' | 'one-after-the-other';

/** Takes snapshots with fsfreeze(8) and fetch, with the mistake. The proof must find it. */
export function takeWith(mistake: Mistake): TakeSnapshots {
  return async ({ targets, mountPoints }) => {
    const answers: Promise<string>[] = [];
    const fire = (): void => {
      answers.push(...targets.map(requestSnapshot));
    };
    try {
      switch (mistake) {
        case 'fired-before-frozen':
          fire();
          await half(answers);
          await freezeAll(mountPoints);
          await Promise.all(answers);
          break;
        case 'thawed-before-acknowledged':
          await freezeAll(mountPoints);
          fire();
          break;
        case 'one-after-the-other':
          await freezeOneByOne(mountPoints, targets, answers);
      }
    } finally {
      await Promise.all(mountPoints.map(thawCompletely));
    }
    const snapshots = await Promise.all(answers);
    return { ok: true, snapshots, claimed: snapshots.map(() => true), longestWindowMs: 0 };
  };
}

/** Resolves when half of them are answered. */
function half(answers: readonly Promise<string>[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let count = 0;
  for (const answer of answers) {
    answer.then(() => {
      count += 1;
      if (count >= answers.length / 2) {
        resolve();
      }
    }, reject);
  }
  return promise;
}

export async function freezeAll(mountPoints: readonly string[]): Promise<void> {
  await Promise.all(mountPoints.map((mountPoint) => runCommand('fsfreeze', ['-f', mountPoint])));
}

/** Each file system frozen from before its own request until after its answer, but no two at once. */
async function freezeOneByOne(
  mountPoints: readonly string[],
  urls: readonly string[],
  answers: Promise<string>[],
): Promise<void> {
  for (const [index, mountPoint] of mountPoints.entries()) {
    await runCommand('fsfreeze', ['-f', mountPoint]);
    // The last file system lies on all disks that are left.
    const ofThis = index < mountPoints.length - 1 ? [urls[index] ?? ''] : urls.slice(index);
    const asked = ofThis.map(requestSnapshot);
    answers.push(...asked);
    await Promise.all(asked);
    await thawCompletely(mountPoint);
  }
}

async function requestSnapshot(url: string): Promise<string> {
  const response = await fetch(`${url}&comp=snapshot`, { method: 'PUT' });
  await response.arrayBuffer();
  const snapshot = response.headers.get('x-ms-snapshot');
  if (snapshot === null) {
    throw new Error(`no snapshot: HTTP ${response.status}`);
  }
  return snapshot;
}
