import { errnoName } from '../system/native.ts';

/** Why the guardian thawed. */
export type GuardianReason =
  | 'released'
  | 'deadline'
  | 'control-closed'
  | 'worker-dead'
  | 'signal'
  /** It was killed, or it did not answer and was killed for that. */
  | 'lost'
  /** It is still thawing a file system whose FIFREEZE does not end. */
  | 'unfinished';

/** What the guardian did, reported when it ends. */
export interface GuardianReport {
  readonly reason: GuardianReason;
  /** Frozen file systems that it thawed; empty after a successful run. */
  readonly thawed: readonly { readonly fileSystem: number; readonly atNs: bigint }[];
  /** File systems that it could not thaw. */
  readonly failed: readonly { readonly fileSystem: number; readonly errno: string }[];
}

/** One line of the guardian's report pipe (native/guardian.cc). */
export type GuardianMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'armed'; readonly deadlineNs: bigint }
  | { readonly kind: 'thawed'; readonly fileSystem: number; readonly atNs: bigint }
  | { readonly kind: 'failed'; readonly fileSystem: number; readonly errno: string }
  | { readonly kind: 'done'; readonly reason: GuardianReason }
  | { readonly kind: 'error'; readonly syscall: string; readonly errno: string };

const REASONS: readonly string[] = [
  'released',
  'deadline',
  'control-closed',
  'worker-dead',
  'signal',
] satisfies GuardianReason[];

/** Undefined for a line that the freezing process does not need. */
export function parseGuardianLine(line: string): GuardianMessage | undefined {
  const [kind, first = '', second = ''] = line.split(' ');
  switch (kind) {
    case 'ready':
      return { kind };
    case 'armed':
      return { kind, deadlineNs: BigInt(first) };
    case 'thawed':
      return { kind, fileSystem: Number(first), atNs: BigInt(second) };
    case 'failed':
      return { kind, fileSystem: Number(first), errno: errnoName(Number(second)) };
    case 'done':
      return isReason(first) ? { kind, reason: first } : undefined;
    case 'error':
      return { kind, syscall: first, errno: errnoName(Number(second)) };
    default:
      return undefined;
  }
}

function isReason(text: string): text is GuardianReason {
  return REASONS.includes(text);
}

/** @param otherwise the reason if there is no `done` message */
export function toReport(
  messages: readonly GuardianMessage[],
  otherwise: 'lost' | 'unfinished',
): GuardianReport {
  const done = messages.find((message) => message.kind === 'done');
  return {
    reason: done?.reason ?? otherwise,
    thawed: messages.flatMap((message) =>
      message.kind === 'thawed' ? [{ fileSystem: message.fileSystem, atNs: message.atNs }] : [],
    ),
    failed: messages.flatMap((message) =>
      message.kind === 'failed' ? [{ fileSystem: message.fileSystem, errno: message.errno }] : [],
    ),
  };
}
