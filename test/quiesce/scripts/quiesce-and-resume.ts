import { existsSync, readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { quiesce } from '../../../src/quiesce/quiesce.ts';
import type { PendingCleanup, QuiescedApplication } from '../../../src/quiesce/quiesce-types.ts';
import {
  type QuiescePaths,
  readQuiesceConfiguration,
} from '../../../src/quiesce/read-configuration.ts';
import type { ScriptFiles } from './script-files.ts';

export const RULES = { freezeAfterAppFailure: true, freezeAfterAppSuccess: true };

export interface Ran {
  readonly application: QuiescedApplication;
  /** `course code code …` after the pre-scripts. */
  readonly before: string;
  readonly notes: string;
  readonly pending: readonly PendingCleanup[];
  readonly isDone: boolean;
  /** What is left to the next command. */
  readonly left: readonly PendingCleanup[];
}

export interface Circumstances {
  readonly abort?: AbortSignal;
  /** Between pre- and post-scripts. */
  readonly meanwhile?: () => void;
  /** Called when nothing is pending any more. */
  readonly settle?: () => Promise<void>;
  /** Default: true. */
  readonly isThawed?: boolean;
}

/** Reads the configuration, quiesces and resumes. */
export async function run(paths: QuiescePaths, circumstances: Circumstances = {}): Promise<Ran> {
  const plan = readQuiesceConfiguration(paths, RULES);
  assert.ok(plan !== undefined);
  const notes: string[] = [];
  let pending: readonly PendingCleanup[] = [];
  let isDone = false;
  let left: readonly PendingCleanup[] = [];
  const application = await quiesce(plan, {
    fileSystems: [],
    freezes: true,
    isSnapshotted: () => true,
    abort: circumstances.abort ?? new AbortController().signal,
    note: (message) => notes.push(message),
    addPending: async (scripts) => {
      pending = scripts;
      return async (remaining = []) => {
        left = remaining;
        await circumstances.settle?.();
        isDone = true;
      };
    },
  });
  const codes = application.findings.map(({ code }) => code);
  const before = [application.course, ...codes].join(' ');
  circumstances.meanwhile?.();
  await application.resume(circumstances.isThawed);
  return { application, before, notes: notes.join('\n'), pending, isDone, left };
}

export function traceOf(files: ScriptFiles): string {
  return existsSync(files.trace) ? readFileSync(files.trace, 'utf8').trim() : '';
}

export function codesOf({ application }: Ran): number[] {
  return application.record().findings.map(({ code }) => code);
}
