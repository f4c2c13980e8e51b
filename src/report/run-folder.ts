import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, release } from 'node:os';
import { basename, join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { FlashfreezeError } from '../errors.ts';
import type { Redaction } from '../log/redaction.ts';
import { reasonOf } from '../system/errno.ts';
import { writeWhole } from '../system/replace-file.ts';
import {
  type RunEnding,
  type RunFile,
  type RunIdentity,
  type RunOrigin,
  runFileOf,
} from './run-file.ts';

/** Of runs from the command line; the extension's lie in `runs` in its own log folder. */
export const RUN_FOLDER = '/var/log/flashfreeze/runs';
export const KEPT_RUNS = 50;

/** `20261122T083810123Z-snapshot-4711.json`: by name is by time. */
const RUN_FILE_NAME = /^\d{8}T\d{9}Z-(?:snapshot|freeze|extension)-\d+\.json$/;

export type KeptRun =
  | { readonly ok: true; readonly path: string; readonly run: RunFile }
  | { readonly ok: false; readonly message: string; readonly run: RunFile };

/** What a run on this machine came to, in the moment in which it has ended. */
export function describeRun(ending: RunEnding, identity: Omit<RunIdentity, 'machine'>): RunFile {
  const now = { monotonicNs: process.hrtime.bigint(), wallClock: new Date() };
  return runFileOf(ending, { ...identity, machine: thisMachine() }, now);
}

/**
 * Writes what a run came to into the folder and removes the oldest beyond `KEPT_RUNS`. Only after the
 * thaw: the folder may lie on what was frozen. Never rejects; a run does not fail for its report.
 */
export async function keepRun(
  ending: RunEnding,
  identity: Omit<RunIdentity, 'machine'>,
  redaction: Redaction,
  folder: string = RUN_FOLDER,
): Promise<KeptRun> {
  const run = describeRun(ending, identity);
  const path = join(folder, nameOf(run.writtenAt, identity.origin));
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeWhole(path, `${redaction.redact(JSON.stringify(run))}\n`, { mode: 0o600 });
    await prune(folder);
    return { ok: true, path, run };
  } catch (error) {
    const reason = reasonOf(error);
    const message = `the run's timeline could not be kept in ${folder} (${reason}): expected a folder that can be written`;
    return { ok: false, message, run };
  }
}

function thisMachine(): RunIdentity['machine'] {
  return {
    flashfreeze: packageJson.version,
    kernel: release(),
    processors: availableParallelism(),
  };
}

/** @param at ISO-8601 UTC */
function nameOf(at: string, origin: string): string {
  return `${at.replace(/[-:.]/g, '')}-${origin}-${process.pid}.json`;
}

async function prune(folder: string): Promise<void> {
  const superfluous = (await runFilesIn(folder)).slice(KEPT_RUNS);
  await Promise.all(superfluous.map((path) => rm(path, { force: true })));
}

/** Paths, the newest first; empty where there is no folder. */
export async function runFilesIn(folder: string = RUN_FOLDER): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => RUN_FILE_NAME.test(name))
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/**
 * @param origin only of this command; undefined: of any
 * @throws FlashfreezeError FF_RUN_FILE_INVALID where there is none
 */
export async function latestRun(
  folder: string = RUN_FOLDER,
  origin: RunOrigin | undefined = undefined,
): Promise<string> {
  const isOf = (path: string): boolean => origin === undefined || path.includes(`-${origin}-`);
  const latest = (await runFilesIn(folder)).find((path) => isOf(basename(path)));
  if (latest === undefined) {
    throw new FlashfreezeError(
      'FF_RUN_FILE_INVALID',
      `no run has left anything in ${folder} yet; give the path of a run's file`,
    );
  }
  return latest;
}

/** @throws FlashfreezeError FF_RUN_FILE_INVALID */
export async function readRunFile(path: string): Promise<RunFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const reason = reasonOf(error);
    throw new FlashfreezeError(
      'FF_RUN_FILE_INVALID',
      `${path}: cannot be read (${reason}). \`flashfreeze report --list\` shows the runs that are kept.`,
    );
  }
  // Loaded here: it needs valibot, which a run that only writes such a file can do without.
  const { parseRunFile } = await import('./parse-run-file.ts');
  return parseRunFile(text, path);
}
