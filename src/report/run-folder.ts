import { readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, hostname, release } from 'node:os';
import { basename, join, resolve } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { FlashfreezeError } from '../errors.ts';
import { redactTexts } from '../log/redact-texts.ts';
import type { Redaction } from '../log/redaction.ts';
import { errnoOf, reasonOf } from '../system/errno.ts';
import { writeWhole } from '../system/replace-file.ts';
import { directoryProblem, SafeDirectory } from '../system/safe-directory.ts';
import {
  type RunEnding,
  type RunFile,
  type RunIdentity,
  type RunOrigin,
  runFileOf,
} from './run-file.ts';
import { byTime, stampOf } from './run-times.ts';

/** Folder of the runs from the command line; the runs of the extension are kept in `runs` in its log folder. */
export const RUN_FOLDER = '/var/log/flashfreeze/runs';
/** Below it, each extension of the machine has its log folder. */
const EXTENSION_LOGS = '/var/log/azure';
export const KEPT_RUNS = 50;
/** Of runs that ended before anything was frozen; they take the place of no other run. */
export const KEPT_REFUSED_RUNS = 10;

/** E.g. `20261122T083810123Z-snapshot-4711.json`: the order of the names is the order of time. */
const RUN_FILE_NAME = /^\d{8}T\d{9}Z-(?:snapshot|freeze|extension)-\d+(?:-refused)?\.json$/;
const REFUSED = '-refused.json';

export type KeptRun =
  | { readonly ok: true; readonly path: string; readonly run: RunFile }
  | { readonly ok: false; readonly message: string; readonly run: RunFile };

/** The file of a run on this machine that has just ended, without secrets. */
export function describeRun(
  ending: RunEnding,
  identity: Omit<RunIdentity, 'machine'>,
  redaction: Redaction,
): RunFile {
  const now = { monotonicNs: process.hrtime.bigint(), wallClock: new Date() };
  return redactTexts(runFileOf(ending, { ...identity, machine: thisMachine() }, now), redaction);
}

/**
 * Writes the file of a run into the folder and removes the oldest files beyond `KEPT_RUNS` and `KEPT_REFUSED_RUNS`. Only in a folder that
 * no other user than root can have made or can change: on Ubuntu the group syslog may write to /var/log. Must be called after the thaw, because
 * the folder may be on a frozen file system. Never rejects: a run does not fail because of its report.
 */
export async function keepRun(
  ending: RunEnding,
  identity: Omit<RunIdentity, 'machine'>,
  redaction: Redaction,
  folder: string = RUN_FOLDER,
): Promise<KeptRun> {
  const run = describeRun(ending, identity, redaction);
  const name = nameOf(run, ending.kind);
  try {
    using directory = SafeDirectory.open(resolve(folder));
    await writeWhole(directory.pathOf(name), `${JSON.stringify(run)}\n`, { mode: 0o600 });
    await prune(directory);
    return { ok: true, path: join(folder, name), run };
  } catch (error) {
    const message = `cannot keep the run's timeline in ${folder}: ${directoryProblem(error)}`;
    return { ok: false, message, run };
  }
}

function thisMachine(): RunIdentity['machine'] {
  return {
    host: hostname(),
    flashfreeze: packageJson.version,
    kernel: release(),
    processors: availableParallelism(),
  };
}

function nameOf({ writtenAt, origin }: RunFile, kind: RunEnding['kind']): string {
  const end = kind === 'refused' ? REFUSED : '.json';
  return `${stampOf(writtenAt)}-${origin}-${process.pid}${end}`;
}

/** Whether the run of a file ended before anything was frozen. */
function isRefused(path: string): boolean {
  return path.endsWith(REFUSED);
}

async function prune(directory: SafeDirectory): Promise<void> {
  const files = runNamesAmong(await readdir(directory.pathOf('.')));
  const superfluous = [
    ...files.filter((it) => !isRefused(it)).slice(KEPT_RUNS),
    ...files.filter(isRefused).slice(KEPT_REFUSED_RUNS),
  ];
  await Promise.all(superfluous.map((name) => rm(directory.pathOf(name), { force: true })));
}

/** The names of runs, the newest first. Those from the future come last: they are no latest run, and the first that are removed. */
function runNamesAmong(names: readonly string[]): string[] {
  const { past, future } = byTime(
    names.filter((name) => RUN_FILE_NAME.test(name)),
    new Date(),
  );
  return [...past, ...future];
}

/** The paths of the files, in the order of `runNamesAmong`; empty if there is no folder. */
export async function runFilesIn(folder: string = RUN_FOLDER): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return runNamesAmong(names).map((name) => join(folder, name));
}

/**
 * The runs in a folder that no other user than root can have made or can change, for what they decide; none of any other folder. Files that
 * are no runs are left out.
 */
export async function trustedRunsIn(folder: string): Promise<RunFile[]> {
  try {
    using directory = SafeDirectory.open(resolve(folder), { make: false });
    const names = runNamesAmong(await readdir(directory.pathOf('.')));
    const runs = await Promise.all(
      names.map((name) => readRunFile(directory.pathOf(name)).catch(() => undefined)),
    );
    return runs.filter((run) => run !== undefined);
  } catch {
    return [];
  }
}

/** Why the runs in a folder are not trusted, for people; undefined if they are, or if there is no such folder. */
export function runFolderProblem(folder: string): string | undefined {
  try {
    using _directory = SafeDirectory.open(resolve(folder), { make: false });
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? undefined : directoryProblem(error);
  }
}

/** Folders that may hold the runs of an extension of this machine; what is not a run of flashfreeze has other names. */
export async function extensionRunFolders(): Promise<string[]> {
  const names = await readdir(EXTENSION_LOGS).catch(() => []);
  return names.sort().map((name) => join(EXTENSION_LOGS, name, 'runs'));
}

/**
 * @param origin the command that the run came from, which must have frozen something or tried to; undefined: any run
 * @throws FlashfreezeError FF_RUN_FILE_INVALID if there is no such run
 */
export async function latestRun(
  folder: string = RUN_FOLDER,
  origin: RunOrigin | undefined = undefined,
): Promise<string> {
  const isOf = (path: string): boolean =>
    origin === undefined || (path.includes(`-${origin}-`) && !isRefused(path));
  const latest = (await runFilesIn(folder)).find((path) => isOf(basename(path)));
  if (latest === undefined) {
    throw new FlashfreezeError(
      'FF_RUN_FILE_INVALID',
      `${folder} holds no run yet; give the path of a run's file`,
    );
  }
  return latest;
}

/** @throws FlashfreezeError FF_RUN_FILE_INVALID, FF_RUN_FILE_VERSION */
export async function readRunFile(path: string): Promise<RunFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const reason = reasonOf(error);
    throw new FlashfreezeError(
      'FF_RUN_FILE_INVALID',
      `cannot read ${path} (${reason}). Give a file that \`flashfreeze report --list\` shows.`,
    );
  }
  // Loaded here, because it imports valibot, which a run that only writes such a file does not need.
  const { parseRunFile } = await import('./parse-run-file.ts');
  return parseRunFile(text, path);
}
