import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FailedFreeze } from '../../../src/backup/crash-consistent.ts';
import type { BackupRecord } from '../../../src/backup/record.ts';
import { type ErrorCode, FlashfreezeError } from '../../../src/errors.ts';
import { redactReport } from '../../../src/extension/status/redact-report.ts';
import { renderStatusBlob } from '../../../src/extension/status/render.ts';
import { type ReadTask, readTask } from '../../../src/extension/task/read-task.ts';
import { sizeScopeOf } from '../../../src/extension/task/run-task.ts';
import type { TaskContext } from '../../../src/extension/task/task-context.ts';
import { finalReport } from '../../../src/extension/task/task-report.ts';
import {
  type Conclusion,
  concludeError,
  concludeTaken,
} from '../../../src/extension/task/task-result.ts';
import { measureUsedSpace } from '../../../src/filesystems/used-size.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import type { ApplicationRecord } from '../../../src/quiesce/quiesce-types.ts';
import { readDoSnapshot } from '../../../src/snapshot/host/do-snapshot.ts';
import type { HostSnapshot, SnapshotAnswer } from '../../../src/snapshot/snapshot-types.ts';
import {
  failedAnswer,
  goodAnswer,
  goodRecord,
  targetRecord,
} from '../../backup/fixtures/records.ts';
import { gen1 } from '../../filesystems/fixtures/gen1.ts';

/** What a task was given, and the status that the replaced extension makes of it. */
export interface Pair {
  readonly what: string;
  /** Where the expected document comes from. */
  readonly source: string;
  /** Of the settings file. */
  readonly settings: unknown;
  readonly answers: Answers;
  /** What became of the scripts or the database; missing if there are none. */
  readonly application?: Pick<ApplicationRecord, 'name' | 'findings'>;
  /** The status blob, parsed; `<any>` stands for a value that depends on the machine. */
  readonly expected: unknown;
}

type Answers =
  | {
      readonly by: 'guest';
      readonly disks: readonly { readonly snapshot?: string; readonly failure?: string }[];
      /** False: the machine has nothing that can be frozen. */
      readonly frozen?: boolean;
      /** Why nothing was frozen; missing: there was nothing. */
      readonly failedFreeze?: FailedFreeze['code'];
    }
  | {
      readonly by: 'host';
      readonly preSnapshot: string;
      readonly statusCode: number;
      readonly luns: readonly number[];
      readonly body: unknown;
    }
  | { readonly by: 'nobody'; readonly error: ErrorCode };

const PAIRS = join(import.meta.dirname, 'pairs');
const NOW = new Date(1_795_315_796_739);
const USED_BYTES = 10_240;
const FACTS = {
  guestAgentVersion: '2.15.0.1',
  osVersion: 'Debian GNU/Linux-13 (trixie)',
  kernelVersion: '6.12.0',
  platformArchitecture: '64bit',
  workloads: ['mysqld'],
};

/** By name, which is the case's in drop-in.md. */
export function readPairs(): Map<string, Pair> {
  const names = readdirSync(PAIRS).sort();
  return new Map(
    names.map((name) => [
      name.replace(/\.json$/, ''),
      JSON.parse(readFileSync(join(PAIRS, name), 'utf8')) as Pair,
    ]),
  );
}

/** The status blob of flashfreeze, parsed: by the code of the task, but for the run itself. */
export async function renderOurs({ settings, answers, application }: Pair): Promise<unknown> {
  const context = taskContext();
  const read = await readTask(context, JSON.stringify(settings));
  if (!read.settings.ok) {
    throw read.settings.error;
  }
  const scope = sizeScopeOf(read);
  const usedSpace = await measureUsedSpace(scope, gen1().build(), (paths) =>
    Promise.resolve(paths.map(() => USED_BYTES)),
  );
  const conclusion = conclude(read, answers, application);
  const report = finalReport(context, read.report, conclusion, { facts: FACTS, usedSpace, scope });
  return JSON.parse(renderStatusBlob(redactReport(report, context.redaction), NOW));
}

function taskContext(): TaskContext {
  const parts: Pick<TaskContext, 'uniqueMachineId' | 'redaction' | 'openssl'> & object = {
    uniqueMachineId: '0a1b2c3d-0000-4000-8000-1234567890ab',
    redaction: new Redaction(),
    openssl: undefined,
  };
  const handler = { name: 'Microsoft.Azure.RecoveryServices.VMSnapshotLinux' };
  const installation = { version: '1.0.9200.0', libDirectory: '/nonexistent', handler };
  return { ...parts, installation } as unknown as TaskContext;
}

function conclude(
  { settings }: ReadTask,
  answers: Answers,
  application: Pair['application'],
): Conclusion {
  const blobs = settings.ok ? settings.task.blobs : [];
  if (answers.by === 'nobody') {
    return concludeError(new FlashfreezeError(answers.error, 'the task came too late'), blobs);
  }
  const names = blobs.map(({ name }) => name);
  const taken = answers.by === 'guest' ? answersOfGuest(answers) : answersOfHost(answers);
  const isByHost = answers.by === 'host';
  const record = recordOf(taken, isByHost ? [] : names, application);
  const isFrozen = isByHost || answers.frozen !== false;
  const failedFreeze = answers.by === 'guest' ? answers.failedFreeze : undefined;
  return concludeTaken(
    {
      creator: {
        name: isByHost ? 'backupHostService' : 'guestExtension',
        hostStatusCodePreSnapshot: isByHost ? answers.preSnapshot : undefined,
        hostStatusCodeDoSnapshot: isByHost ? String(answers.statusCode) : undefined,
      },
      result: {
        ok: true,
        record: isFrozen ? record : withoutFreeze(record),
        failedFreeze: isFrozen
          ? undefined
          : { message: 'Nothing could be frozen.', code: failedFreeze ?? 'FF_NOTHING_TO_FREEZE' },
      },
    },
    blobs,
  );
}

function answersOfGuest({ disks }: Extract<Answers, { by: 'guest' }>): SnapshotAnswer[] {
  return disks.map(({ snapshot, failure = '' }, target) =>
    snapshot === undefined
      ? { ...failedAnswer(target, { message: failure }), acknowledgedNs: 33_000_000n }
      : goodAnswer(target, { snapshot }),
  );
}

function answersOfHost(answers: Extract<Answers, { by: 'host' }>): SnapshotAnswer[] {
  const { statusCode, body, luns } = answers;
  return readDoSnapshot(statusCode, JSON.stringify(body), luns).map((disk, target) => {
    const { uri, lun, directDrive } = disk;
    const host: HostSnapshot = { statusCode: disk.statusCode, uri, lun, directDrive };
    return disk.ok
      ? goodAnswer(target, { snapshot: disk.snapshot, host })
      : { ...failedAnswer(target, disk), acknowledgedNs: 33_000_000n, host };
  });
}

function recordOf(
  answers: readonly SnapshotAnswer[],
  names: readonly string[],
  application: Pair['application'],
): BackupRecord {
  const disks = answers.map((answer) => {
    const disk = targetRecord(answer);
    return { ...disk, blob: names[answer.target] ?? disk.blob };
  });
  const changes = {
    disks,
    ...(application && { application: { ...application, held: undefined } }),
  };
  return goodRecord(answers.length, changes);
}

function withoutFreeze(record: BackupRecord): BackupRecord {
  const plan = { ...record.plan, fileSystems: [], waves: [], thawsAfter: [] };
  const disks = record.disks.map((disk) => ({ ...disk, fileSystems: [] }));
  return { ...record, plan, fileSystems: [], disks };
}
