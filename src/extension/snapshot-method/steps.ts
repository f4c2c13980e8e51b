import type { SnapshotMethod } from '../../config/vmbackup.ts';

/** What is to be done next. */
export type SnapshotStep =
  | { readonly kind: 'pre-snapshot' }
  | { readonly kind: 'guest' }
  | { readonly kind: 'host' }
  /** It is over, and this counts. */
  | { readonly kind: 'end'; readonly counts: 'guest' | 'host' }
  /** Neither guest nor host can take the snapshots: result code 76. */
  | { readonly kind: 'fail'; readonly because: 'no-blobs' | 'host-unavailable' };

/** What came of the steps so far; missing if one was not taken. */
export interface StepsTaken {
  /** Status code of the pre-snapshot call, 555 to 558 included. */
  readonly preSnapshot?: number | undefined;
  readonly guest?: GuestEnd | undefined;
  readonly host?: HostEnd | undefined;
}

/** `every-disk-failed`: each disk's own request did, or its preflight; not the freeze. */
export type GuestEnd = 'ended' | 'every-disk-failed';
/** `unreachable`: found out before anything was frozen. */
export type HostEnd = 'ended' | 'unreachable';

export interface StepCircumstances {
  readonly method: SnapshotMethod;
  /** The task has SAS URIs: without any the guest cannot take snapshots. */
  readonly hasBlobs: boolean;
}

/**
 * The next step of a task, from what the steps before it came to (settings.md, Who takes the snapshot).
 * The host is always asked whether it can before anything is frozen for it.
 */
export function nextStep(circumstances: StepCircumstances, taken: StepsTaken): SnapshotStep {
  switch (circumstances.method) {
    case 'onlyGuest':
      return guestStep(circumstances, taken) ?? { kind: 'end', counts: 'guest' };
    case 'onlyHost':
      return hostStep(taken) ?? hostUnavailable;
    case 'firstHostThenGuest':
      return hostStep(taken) ?? guestStep(circumstances, taken) ?? { kind: 'end', counts: 'guest' };
    case 'firstGuestThenHost':
      return firstGuest(circumstances, taken);
  }
}

const hostUnavailable = { kind: 'fail', because: 'host-unavailable' } as const;

/** Undefined if the guest has come to its end. */
function guestStep(
  { hasBlobs }: StepCircumstances,
  { guest }: StepsTaken,
): SnapshotStep | undefined {
  if (guest !== undefined) {
    return undefined;
  }
  return hasBlobs ? { kind: 'guest' } : { kind: 'fail', because: 'no-blobs' };
}

/** Undefined if the host is not to be had. */
function hostStep({ preSnapshot, host }: StepsTaken): SnapshotStep | undefined {
  if (preSnapshot === undefined) {
    return { kind: 'pre-snapshot' };
  }
  if ((preSnapshot !== 200 && preSnapshot !== 201) || host === 'unreachable') {
    return undefined;
  }
  return host === undefined ? { kind: 'host' } : { kind: 'end', counts: 'host' };
}

/** Where the host cannot help either, what the guest came to counts. */
function firstGuest(circumstances: StepCircumstances, taken: StepsTaken): SnapshotStep {
  if (taken.guest === 'ended') {
    return { kind: 'end', counts: 'guest' };
  }
  if (taken.guest === undefined && circumstances.hasBlobs) {
    return { kind: 'guest' };
  }
  const guestCounts: SnapshotStep =
    taken.guest === undefined ? hostUnavailable : { kind: 'end', counts: 'guest' };
  return hostStep(taken) ?? guestCounts;
}
