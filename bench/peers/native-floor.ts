import { dirname, join } from 'node:path';
import { failureOf, runMeasured } from '../process/measured-process.ts';
import { compileProgram } from '../process/native-programs.ts';
import { type Contender, contender } from '../sample.ts';
import { thawingBehind } from './thaw-watchdog.ts';

export const NATIVE_FLOOR = 'native floor';

const SOURCE = join(import.meta.dirname, 'native-floor.c');
const PORT = { 'http:': '80', 'https:': '443' } as const;

/** A snapshot of all disks by a C program in the best manner known, over TLS (native-floor.c). */
export function nativeFloor(): Contender {
  return contender(NATIVE_FLOOR, async ({ launcher, mountPoints, urls, caPath = '' }) => {
    const program = await compiled(dirname(launcher));
    const lines = urls.map((url, index) => lineOf(mountPoints[index] ?? '', new URL(url)));
    const run = await thawingBehind(mountPoints, () =>
      runMeasured(launcher, [program, caPath], lines.join('')),
    );
    return run.exitCode === 0
      ? { ok: true, usage: run.usage, own: {}, snapshots: run.stdout.trim().split('\n') }
      : { ok: false, reason: failureOf(run) };
  });
}

const programs = new Map<string, Promise<string>>();

/** Once for each rig's folder. */
function compiled(directory: string): Promise<string> {
  const program = programs.get(directory) ?? compileProgram(SOURCE, directory, ['ssl', 'crypto']);
  programs.set(directory, program);
  return program;
}

function lineOf(mountPoint: string, url: URL): string {
  const port = url.port || PORT[url.protocol === 'http:' ? 'http:' : 'https:'];
  return `${mountPoint} ${url.hostname} ${port} ${url.host} ${url.pathname}${url.search}\n`;
}
