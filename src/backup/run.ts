import type { SnapshotAnswer } from '../snapshot/model.ts';
import { throwIfAborted } from './abort.ts';
import { approach, waitForStart } from './approach.ts';
import { openWindow } from './open-window.ts';
import { Phases } from './phases.ts';
import { type Prepared, prepare, type Relays } from './prepare.ts';
import type { BackupRecord, TargetRecord } from './record.ts';
import { Relay } from './relay.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { fileSystemsBehind } from './schedule/topology.ts';

/**
 * One run: prepare, settle, freeze, fire, thaw, release (design, "The run"). Resolves also for a run
 * that failed once something was frozen: the record tells. Nothing is frozen when it returns.
 *
 * @param abort its reason is an `AbortReason`; ends the run at once, thawing what is frozen
 * @throws FlashfreezeError where the run ended before anything was frozen
 */
export async function backup(
  request: BackupRequest,
  observer: RunObserver,
  abort: AbortSignal,
): Promise<BackupRecord> {
  const warnings: string[] = [];
  const noting = alsoNoting(observer, warnings);
  const phases = new Phases(noting);
  const relays: Relays = { freezer: new Relay(), snapshot: new Relay() };
  await using resources = new AsyncDisposableStack();
  const prepared = await phases.measure('prepare', () =>
    prepare(request, relays, resources, noting),
  );
  throwIfAborted(abort);
  const settleNs = await approach(request, prepared, relays, resources, phases, abort);
  await waitForStart(request.startAt, abort);
  throwIfAborted(abort);
  const window = await phases.measure('window', () =>
    openWindow(request, prepared, relays, settleNs, abort),
  );
  const answers = await phases.measure('release', async () => {
    const collected = await prepared.lanes.answers();
    await resources.disposeAsync();
    return collected;
  });
  return {
    ...window,
    plan: prepared.plan,
    disks: targetRecords(prepared, answers),
    phases: phases.times,
    warnings,
  };
}

function alsoNoting(observer: RunObserver, warnings: string[]): RunObserver {
  return {
    phaseBegins: (phase) => observer.phaseBegins(phase),
    phaseEnds: (phase, durationMs) => observer.phaseEnds(phase, durationMs),
    warn: (message) => {
      warnings.push(message);
      observer.warn(message);
    },
  };
}

function targetRecords(
  { plan, targets }: Prepared,
  answers: readonly SnapshotAnswer[],
): TargetRecord[] {
  return answers.map((answer) => {
    const target = targets[answer.target];
    return {
      blob: target?.blob ?? '',
      device: target?.disk === undefined ? undefined : `/dev/${target.disk}`,
      answer,
      fileSystems: fileSystemsBehind(plan, target?.disk),
    };
  });
}
