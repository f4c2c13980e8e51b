import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaterWrite, WriterFinding } from '../drills/drills.ts';

const PAUSE_MS = 20;
/** After a drill nothing may be frozen any more. */
const STUCK_MS = 60_000;
const FILE = 'stall';
const DIGITS = 9;

interface Place {
  readonly at: string;
  longestMs: number;
  beganMs: number | undefined;
  /** The last number that is on the disk. */
  durable: number;
  error?: string;
}

/** On every file system one that writes a number and syncs, again and again, and knows how long each of them took. */
export class StallWriters implements AsyncDisposable {
  readonly #places: readonly Place[];
  #isOver = false;

  private constructor(mountPoints: readonly string[]) {
    this.#places = mountPoints.map((at) => ({
      ...{ at, longestMs: 0, beganMs: undefined, durable: 0 },
    }));
  }

  /** Resolves when each has written. */
  static async start(mountPoints: readonly string[]): Promise<StallWriters> {
    const writers = new StallWriters(mountPoints);
    await Promise.all(
      writers.#places.map(async (place) => {
        const file = await open(join(place.at, FILE), 'w');
        await writeNumber(file, 0);
        await file.sync();
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

  /** Whether a write of every writer is under way for longer than that. */
  standStillFor(ms: number): boolean {
    const sinceMs = performance.now() - ms;
    return this.#places.every(({ beganMs }) => beganMs !== undefined && beganMs < sinceMs);
  }

  /** The last number that is on the disk, by mount point. */
  durable(): Record<string, number> {
    return Object.fromEntries(this.#places.map(({ at, durable }) => [at, durable]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await sleep(PAUSE_MS);
  }

  async #write(place: Place, file: FileHandle): Promise<void> {
    try {
      while (!this.#isOver) {
        place.beganMs = performance.now();
        await writeNumber(file, place.durable + 1);
        place.durable += 1;
        place.longestMs = Math.max(place.longestMs, performance.now() - place.beganMs);
        place.beganMs = undefined;
        await sleep(PAUSE_MS);
      }
    } catch (error) {
      place.error = textOf(error);
      place.beganMs = undefined;
    }
    await file.close().catch(() => {});
  }
}

/** Of the writer that was there before. */
export function numberAt(mountPoint: string): number {
  return Number(readFileSync(join(mountPoint, FILE), 'utf8'));
}

async function writeNumber(file: FileHandle, number: number): Promise<void> {
  await file.write(String(number).padStart(DIGITS, '0'), 0);
  await file.datasync();
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where a write fails, or does not end in time. */
export async function failingPlaces(mountPoints: readonly string[]): Promise<LaterWrite[]> {
  const answers = mountPoints.map(async (at): Promise<LaterWrite[]> => {
    const written = (async () => {
      const file = await open(join(at, 'after-drill'), 'w');
      await writeNumber(file, 1);
      await file.close();
      return [];
    })().catch((error: unknown) => [{ at, error: textOf(error) }]);
    const late = sleep(STUCK_MS, [{ at }], { ref: false });
    return await Promise.race([written, late]);
  });
  return (await Promise.all(answers)).flat();
}
