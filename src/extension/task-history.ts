import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, writeWhole } from '../system/replace-file.ts';
import {
  isRestoredMachine,
  readOthersIdentity,
  readStoredIdentity,
  storeIdentity,
  storeOthersIdentity,
} from './machine-identity.ts';
import { memoryOf, onDiskOrInMemory } from './memory-records.ts';

/** The agent prescribes the name: it copies this file to a new version of the extension. */
const SEQUENCE_FILE = 'mrseq';
const TASK_FILE = 'mrtask';
/** The task file of the backup service's other extension for Linux; its text is the task's id. */
const OTHERS_TASK_FILE = 'task_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C';
/** Holds the number of a task from when it is begun until it is reported; not carried over to another version. */
const UNFINISHED_FILE = 'unfinished';
/** In memory only: holds the number of a task that was reported, if its other note can no longer be removed. */
const FINISHED_FILE = 'finished';

/** What the extension handled last. */
export interface Handled {
  readonly sequenceNumber: number | undefined;
  /** Empty if that task had none. */
  readonly taskId: string;
  /** The number that the task was begun with, if an enable with this one found it under way. */
  readonly begunAs?: number;
  /** Its result has been reported. */
  readonly isFinished: boolean;
}

/** What is recorded of a task before its result is known. */
export type Begun = Omit<Handled, 'isFinished'>;

export const NOTHING_HANDLED: Handled = {
  sequenceNumber: undefined,
  taskId: '',
  isFinished: true,
};

export type EnableDecision =
  /** The agent repeats a sequence number, for example after a reboot. */
  | 'repeat'
  /** A repeated sequence number or task, whose process died before it reported: no other process will report it. */
  | 'interrupted'
  /** A new sequence number for the task that was handled last. */
  | 'same-task'
  | 'new';

/**
 * What an enable is to do (agent-contract.md, Settings and sequence).
 *
 * @param isRunning whether some worker of the extension runs
 */
export function decideEnable(
  sequenceNumber: number,
  taskId: string,
  last: Handled,
  isRunning: boolean,
): EnableDecision {
  const isRepeat = sequenceNumber === last.sequenceNumber;
  if (!isRepeat && (taskId === '' || taskId !== last.taskId)) {
    return 'new';
  }
  if (!last.isFinished && !isRunning) {
    return 'interrupted';
  }
  return isRepeat ? 'repeat' : 'same-task';
}

/**
 * Reads what was handled last on this machine. On a machine that was restored from a backup of another one
 * that is nothing, because the files describe the other machine.
 */
export async function readHandled(
  directory: string,
  roleGuid: string | undefined,
): Promise<Handled> {
  // Written after what is on the disk, and by this machine.
  const inMemory = await readRecord(memoryOf(directory));
  if (inMemory.sequenceNumber !== undefined) {
    return { ...inMemory, isFinished: await isFinished(directory, inMemory) };
  }
  if (isRestoredMachine(roleGuid, await readStoredIdentity(directory))) {
    return NOTHING_HANDLED;
  }
  const onDisk = await readRecord(directory);
  return { ...onDisk, isFinished: await isFinished(directory, onDisk) };
}

/** A note of another task says nothing: it may lie where it can no longer be removed. */
async function isFinished(
  directory: string,
  { sequenceNumber, begunAs = sequenceNumber }: Begun,
): Promise<boolean> {
  const memory = memoryOf(directory);
  const [onDisk, inMemory, finished] = await Promise.all(
    [
      join(directory, UNFINISHED_FILE),
      join(memory, UNFINISHED_FILE),
      join(memory, FINISHED_FILE),
    ].map(readText),
  );
  const own = String(begunAs);
  return finished === own || ![onDisk, inMemory].includes(own);
}

async function readRecord(directory: string): Promise<Begun> {
  const [sequence, task] = await Promise.all(
    [SEQUENCE_FILE, TASK_FILE].map((name) => readText(join(directory, name))),
  );
  const sequenceNumber = sequence && /^\d+$/.test(sequence) ? Number(sequence) : undefined;
  return { sequenceNumber, ...taskOf(task ?? '', sequenceNumber) };
}

/**
 * Records what is going to be handled; to be called under the lock of `enable`. The sequence number
 * comes last: if this is interrupted at any point, the task counts as new.
 *
 * If the directory's file system takes no more, the record is in memory until the next boot.
 *
 * @throws what the system says; then the task must not be run, because a later enable would run it again
 */
export async function recordHandled(
  directory: string,
  handled: Begun,
  roleGuid: string | undefined,
): Promise<void> {
  const isOnDisk = await onDiskOrInMemory(directory, (it) => writeRecord(it, handled, roleGuid));
  if (isOnDisk) {
    const memory = memoryOf(directory);
    await Promise.all(
      [SEQUENCE_FILE, TASK_FILE].map((it) => rm(join(memory, it), { force: true })),
    );
  }
}

async function writeRecord(
  directory: string,
  { sequenceNumber, taskId, begunAs }: Begun,
  roleGuid: string | undefined,
): Promise<void> {
  if (isRestoredMachine(roleGuid, await readStoredIdentity(directory))) {
    // Otherwise it would count as this machine's as soon as the identity is stored.
    await rm(join(directory, SEQUENCE_FILE), { force: true });
  }
  if (roleGuid !== undefined) {
    await storeIdentity(directory, roleGuid);
  }
  await replace(join(directory, TASK_FILE), JSON.stringify({ sequenceNumber, taskId, begunAs }));
  await replace(join(directory, SEQUENCE_FILE), String(sequenceNumber));
}

/** Notes that a task is about to be run; before it is recorded. The note of the task before it is void. */
export async function beginTask(directory: string, sequenceNumber: number): Promise<void> {
  const memory = memoryOf(directory);
  await rm(join(memory, FINISHED_FILE), { force: true });
  const isOnDisk = await onDiskOrInMemory(directory, (it) =>
    replace(join(it, UNFINISHED_FILE), String(sequenceNumber)),
  );
  // A full file system lets files go, one that is mounted read-only does not.
  await rm(join(isOnDisk ? memory : directory, UNFINISHED_FILE), { force: true }).catch(() => {});
}

/** Notes that the result of a task has been reported: its status, which is what the service decides by. */
export async function finishTask(directory: string, sequenceNumber: number): Promise<void> {
  const memory = memoryOf(directory);
  for (const path of [memory, directory].map((it) => join(it, UNFINISHED_FILE))) {
    if ((await readText(path)) === String(sequenceNumber)) {
      await removeForGood(path).catch(async () => {
        // Mounted read-only since the task began.
        await mkdir(memory, { recursive: true, mode: 0o700 });
        await replace(join(memory, FINISHED_FILE), String(sequenceNumber));
      });
    }
  }
}

/**
 * Takes over what another version of the extension had handled (update), with the machine it was
 * handled on: the agent copies only the sequence number. A record of this version is kept. The other one
 * may be the backup service's own extension, which this one replaces under its name.
 */
export async function carryOver(from: string, to: string): Promise<void> {
  const own = await readHandled(to, undefined);
  if (own.taskId !== '') {
    return;
  }
  const identity = (await readStoredIdentity(from)) ?? (await readOthersIdentity(from));
  const { sequenceNumber, taskId } = await readHandled(from, undefined);
  if (sequenceNumber !== undefined) {
    const task = taskId || (await readText(join(from, OTHERS_TASK_FILE)));
    await recordHandled(to, { sequenceNumber, taskId: task }, identity);
  }
}

/**
 * For a version that the agent goes back to, which may be one of the backup service's own extension: records the task that
 * was handled last where that one looks for it.
 */
export async function recordForOthers(directory: string): Promise<void> {
  const { taskId } = await readHandled(directory, undefined);
  const identity = await readStoredIdentity(directory);
  if (taskId !== '') {
    await replace(join(directory, OTHERS_TASK_FILE), taskId);
  }
  if (identity !== undefined) {
    await storeOthersIdentity(directory, identity);
  }
}

/** Counts only beside the sequence number that it was recorded with. */
function taskOf(
  text: string,
  sequenceNumber: number | undefined,
): Pick<Begun, 'taskId' | 'begunAs'> {
  try {
    const { taskId, begunAs, ...task } = JSON.parse(text) as Partial<Begun>;
    const isCurrent = task.sequenceNumber !== undefined && task.sequenceNumber === sequenceNumber;
    return isCurrent && typeof taskId === 'string'
      ? { taskId, ...(typeof begunAs === 'number' ? { begunAs } : {}) }
      : { taskId: '' };
  } catch {
    return { taskId: '' };
  }
}

async function readText(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

/** A note that a power cut brings back would have a task that was reported count as interrupted. @throws as rm */
async function removeForGood(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path)).catch(() => {});
}

async function replace(path: string, text: string): Promise<void> {
  await writeWhole(path, text, { mode: 0o600 });
}
