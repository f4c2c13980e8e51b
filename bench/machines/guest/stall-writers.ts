import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WriterFinding } from '../drills/drills.ts';

const PAUSE_MS = 20;
/** After a drill nothing may be frozen any more. */
const STUCK_MS = 60_000;

interface Place {
  readonly at: string;
  longestMs: number;
  beganMs: number | undefined;
  error?: string;
}

/** On every file system one that writes and syncs, again and again, and knows how long each of them took. */
export class StallWriters implements AsyncDisposable {
  readonly #places: readonly Place[];
  #isOver = false;

  private constructor(mountPoints: readonly string[]) {
    this.#places = mountPoints.map((at) => ({ at, longestMs: 0, beganMs: undefined }));
  }

  /** Resolves when each has written. */
  static async start(mountPoints: readonly string[]): Promise<StallWriters> {
    const writers = new StallWriters(mountPoints);
    await Promise.all(
      writers.#places.map(async (place) => {
        const file = await open(join(place.at, 'stall'), 'w');
        await writeOnce(file);
        void writers.#write(place, file);
      }),
    );
    return writers;
  }

  /** What is still under way counts. */
  findings(): WriterFinding[] {
    const nowMs = performance.now();
    return this.#places.map(({ at, longestMs, beganMs = nowMs, error }) => ({
      ...{ at, longestMs: Math.max(longestMs, nowMs - beganMs) },
      ...(error !== undefined && { error }),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await sleep(PAUSE_MS);
  }

  async #write(place: Place, file: FileHandle): Promise<void> {
    try {
      while (!this.#isOver) {
        place.beganMs = performance.now();
        await writeOnce(file);
        place.longestMs = Math.max(place.longestMs, performance.now() - place.beganMs);
        place.beganMs = undefined;
        await sleep(PAUSE_MS);
      }
    } catch (error) {
      place.error = error instanceof Error ? error.message : String(error);
      place.beganMs = undefined;
    }
  }
}

async function writeOnce(file: FileHandle): Promise<void> {
  await file.write('x', 0);
  await file.datasync();
}

/** Where a write does not end in time, or fails. */
export async function stuckPlaces(mountPoints: readonly string[]): Promise<string[]> {
  const answers = mountPoints.map(async (at) => {
    const written = (async () => {
      const file = await open(join(at, 'after-drill'), 'w');
      await writeOnce(file);
      await file.close();
      return true;
    })().catch(() => false);
    const late = sleep(STUCK_MS, false, { ref: false });
    return (await Promise.race([written, late])) ? [] : [at];
  });
  return (await Promise.all(answers)).flat();
}
