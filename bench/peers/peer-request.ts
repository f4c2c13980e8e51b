import { join } from 'node:path';
import { failureOf, runMeasured } from '../process/measured-process.ts';
import { type Contender, contender } from '../sample.ts';
import { thawingBehind } from './thaw-watchdog.ts';

/** What a peer that is a script of ours is asked to do, on its standard input. Secret: holds SAS. */
export interface PeerRequest {
  readonly mountPoints: readonly string[];
  /** With their SAS. */
  readonly urls: readonly string[];
  readonly caPath: string | undefined;
}

/** A peer in a process of its own: a script of this folder that reads a PeerRequest. */
export function scriptedPeer(name: string, script: string): Contender {
  return contender(name, async ({ launcher, mountPoints, urls, caPath }) => {
    const request: PeerRequest = { mountPoints, urls, caPath };
    const command = [process.execPath, join(import.meta.dirname, script)];
    const run = await thawingBehind(mountPoints, () =>
      runMeasured(launcher, command, JSON.stringify(request)),
    );
    return run.exitCode === 0
      ? { ok: true, usage: run.usage, own: {} }
      : { ok: false, reason: failureOf(run) };
  });
}
