import { chmodSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { FileSystem } from '../../../src/filesystems/plan-types.ts';
import { quiesce } from '../../../src/quiesce/quiesce.ts';
import type {
  QuiesceCircumstances,
  QuiescedApplication,
} from '../../../src/quiesce/quiesce-types.ts';
import { readQuiesceConfiguration } from '../../../src/quiesce/read-configuration.ts';
import { deviceOf } from './device-of.ts';

/** A file system of the plan at this place, whatever it really is. */
export function planned(mountPoint: string, disks: readonly string[] = ['sdx']): FileSystem {
  return {
    device: deviceOf(mountPoint),
    type: 'ext4',
    source: '/dev/sdx',
    mountPoint,
    mountPoints: [mountPoint],
    disks,
    imageOn: undefined,
  };
}

export interface Quiesced {
  readonly application: QuiescedApplication;
  /** `course code code …` */
  readonly said: string;
  readonly message: string;
  readonly notes: readonly string[];
}

let configurations = 0;

/** Reads this workload.conf and quiesces. */
export async function quiesceWorkload(
  workload: string,
  circumstances: Partial<QuiesceCircumstances> = {},
): Promise<Quiesced> {
  configurations += 1;
  const path = `/lab/workload${configurations}.conf`;
  writeFileSync(path, workload);
  chmodSync(path, 0o600);
  const plan = readQuiesceConfiguration(
    { pluginHost: '/nowhere', scriptPlugin: '/nowhere', workload: path },
    { freezeAfterAppFailure: true, freezeAfterAppSuccess: true },
  );
  assert.ok(plan !== undefined);
  const notes: string[] = [];
  const application = await quiesce(plan, {
    fileSystems: [planned('/lab')],
    freezes: true,
    isSnapshotted: () => true,
    abort: new AbortController().signal,
    note: (message) => notes.push(message),
    addPending: async () => async () => {},
    ...circumstances,
  });
  return {
    application,
    said: [application.course, ...application.findings.map(({ code }) => code)].join(' '),
    message: application.findings.map(({ message }) => message).join('\n'),
    notes,
  };
}

/** The codes of everything found in the end. */
export function codesOf(application: QuiescedApplication): number[] {
  return application.record().findings.map(({ code }) => code);
}
