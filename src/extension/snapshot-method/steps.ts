import type { SnapshotMethod } from '../../config/vmbackup.ts';

/** The next action. */
export type SnapshotStep =
  | { readonly kind: 'pre-snapshot' }
  | { readonly kind: 'guest' }
  | { readonly kind: 'host' }
  /** The guest, with the VM's own identity. */
  | { readonly kind: 'managed' }
  /** The task has ended; the result of this side counts. */
  | { readonly kind: 'end'; readonly counts: 'guest' | 'host' }
  /** Neither guest nor host can take the snapshots: result code 76. */
  | { readonly kind: 'fail'; readonly because: 'no-blobs' | 'host-unavailable' };

/** The results of the steps so far; a step that was not taken is missing. */
export interface StepsTaken {
  /** Status code of the pre-snapshot call, 555 to 558 included. */
  readonly preSnapshot?: number | undefined;
  readonly guest?: GuestEnd | undefined;
  readonly host?: HostEnd | undefined;
}

/** `every-disk-failed`: each disk's own request or preflight failed, but not the freeze. */
export type GuestEnd = 'ended' | 'every-disk-failed';
/** `unreachable`: detected before anything was frozen. */
export type HostEnd = 'ended' | 'unreachable';

export interface StepCircumstances {
  readonly method: SnapshotMethod;
  /** The task has SAS URIs: without any the guest cannot take snapshots. */
  readonly hasBlobs: boolean;
}

/**
 * The next step of a task, from the results of the steps before it (settings.md, Who takes the snapshot).
 * Before anything is frozen for the host, pre-snapshot always asks whether it can take the snapshots. If there is no
 * other way left, the host is tried once even if it answered with an error, unless its service does not run.
 */
export function nextStep(circumstances: StepCircumstances, taken: StepsTaken): SnapshotStep {
  switch (circumstances.method) {
    case 'onlyGuest':
      return guestStep(circumstances, taken) ?? { kind: 'end', counts: 'guest' };
    case 'onlyHost':
      return hostStep(taken, isThere) ?? hostUnavailable;
    case 'firstHostThenGuest':
      return (
        hostStep(taken, isReady) ??
        guestStep(circumstances, taken) ?? { kind: 'end', counts: 'guest' }
      );
    case 'managedIdentity':
      return taken.guest === undefined ? { kind: 'managed' } : { kind: 'end', counts: 'guest' };
    case 'firstGuestThenHost':
      return firstGuest(circumstances, taken);
  }
}

const hostUnavailable = { kind: 'fail', because: 'host-unavailable' } as const;

/** Undefined if the guest has ended. */
function guestStep(
  { hasBlobs }: StepCircumstances,
  { guest }: StepsTaken,
): SnapshotStep | undefined {
  if (guest !== undefined) {
    return undefined;
  }
  return hasBlobs ? { kind: 'guest' } : { kind: 'fail', because: 'no-blobs' };
}

/** The host says that it can take the snapshots. */
function isReady(preSnapshot: number): boolean {
  return preSnapshot === 200 || preSnapshot === 201;
}

/** Neither no answer (555) nor an answer of another service (556). */
function isThere(preSnapshot: number): boolean {
  return preSnapshot !== 555 && preSnapshot !== 556;
}

/** Undefined if the host is not to be asked, or was not reached. */
function hostStep(
  { preSnapshot, host }: StepsTaken,
  isWorthTrying: (preSnapshot: number) => boolean,
): SnapshotStep | undefined {
  if (preSnapshot === undefined) {
    return { kind: 'pre-snapshot' };
  }
  if (!isWorthTrying(preSnapshot) || host === 'unreachable') {
    return undefined;
  }
  return host === undefined ? { kind: 'host' } : { kind: 'end', counts: 'host' };
}

/** If the host cannot take the snapshots either, the result of the guest counts. */
function firstGuest(circumstances: StepCircumstances, taken: StepsTaken): SnapshotStep {
  if (taken.guest === 'ended') {
    return { kind: 'end', counts: 'guest' };
  }
  if (taken.guest === undefined && circumstances.hasBlobs) {
    return { kind: 'guest' };
  }
  const guestCounts: SnapshotStep =
    taken.guest === undefined ? hostUnavailable : { kind: 'end', counts: 'guest' };
  return hostStep(taken, isThere) ?? guestCounts;
}
