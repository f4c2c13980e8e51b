import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { decodeLines } from '../../system/decode-lines.ts';
import { type Mount, parseMountinfo } from '../../system/mountinfo.ts';

/** The processes of this machine, or of containers on it, that work in the directory, as database servers do in theirs. */
export async function processesIn(directory: string): Promise<string[]> {
  const wanted = await stat(directory, { bigint: true });
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // Followed inside of the process' own mounts.
      const works = await stat(`/proc/${pid}/cwd`, { bigint: true }).catch(() => undefined);
      return works?.dev === wanted.dev && works.ino === wanted.ino ? [pid] : [];
    }),
  );
  return found.flat();
}

/**
 * What is mounted for the processes that work in the directory, if they have a mount namespace of their own: a service with
 * `BindPaths=`, or a container. Nothing of a process that ends meanwhile.
 */
export async function mountsOfServersIn(directory: string): Promise<readonly Mount[]> {
  const own = await readlink('/proc/self/ns/mnt');
  const mounts = await Promise.all(
    (await processesIn(directory)).map(async (pid) => {
      const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => own);
      const text = namespace === own ? undefined : await mountinfoOf(pid);
      return text === undefined ? [] : parseMountinfo(decodeLines(text)).mounts;
    }),
  );
  return mounts.flat();
}

async function mountinfoOf(pid: string): Promise<Uint8Array | undefined> {
  return await readFile(`/proc/${pid}/mountinfo`).catch(() => undefined);
}
