import { Bucket } from './bucket.ts';
import type { Limits } from './model.ts';
import { AZURE_LIMITS } from './options.ts';
import { ManagedError } from './reply.ts';

export type Kind = 'reads' | 'writes' | 'deletes';

/** All principals together have so many times as much. */
const GLOBAL_SHARE = 15;

/** The layers of throttling (section 4 of managed-disks.md), and the headers that count down. */
export class Rates {
  readonly #refuses: boolean;
  readonly #kinds: Readonly<Record<Kind, Bucket>>;
  readonly #policies: ReadonlyMap<string, Bucket>;
  #global: Record<Kind, number>;

  /** @param limits undefined: counts, but refuses nothing */
  constructor(limits: Limits | undefined) {
    const { writes, reads, deletes, policies } = limits ?? AZURE_LIMITS;
    const bucket = ({ bucket, perSecond }: Limits['writes']): Bucket =>
      new Bucket(bucket, perSecond);
    this.#refuses = limits !== undefined;
    this.#kinds = { writes: bucket(writes), reads: bucket(reads), deletes: bucket(deletes) };
    this.#global = {
      writes: writes.bucket * GLOBAL_SHARE,
      reads: reads.bucket * GLOBAL_SHARE,
      deletes: deletes.bucket * GLOBAL_SHARE,
    };
    this.#policies = new Map(
      Object.entries({ ...AZURE_LIMITS.policies, ...policies }).map(([name, most]) => [
        name,
        new Bucket(most, most / windowSeconds(name)),
      ]),
    );
  }

  /** Throws 429; otherwise the headers of the answer. */
  charge(kind: Kind, prefix: string | undefined): Record<string, string> {
    const arm = this.#kinds[kind];
    const seconds = arm.take(performance.now());
    if (seconds !== undefined && this.#refuses) {
      throw new ManagedError(429, 'SubscriptionRequestsThrottled', {
        message: `Number of requests for subscription and operation type exceeded the backend storage limit. Please try again after '${seconds}' seconds.`,
        headers: { 'Retry-After': String(seconds) },
      });
    }
    this.#global[kind] = Math.max(0, this.#global[kind] - 1);
    return {
      [`x-ms-ratelimit-remaining-subscription-${kind}`]: String(arm.left),
      [`x-ms-ratelimit-remaining-subscription-global-${kind}`]: String(this.#global[kind]),
      ...(prefix === undefined ? {} : this.#chargePolicies(prefix)),
    };
  }

  #chargePolicies(prefix: string): Record<string, string> {
    const policies = [...this.#policies].filter(([name]) => name.startsWith(prefix));
    for (const [name, bucket] of policies) {
      const seconds = bucket.take(performance.now());
      if (seconds !== undefined && this.#refuses) {
        throw computeThrottled(name, seconds);
      }
    }
    const left = policies.map(([name, bucket]) => `Microsoft.Compute/${name};${bucket.left}`);
    return { 'x-ms-ratelimit-remaining-resource': left.join(',') };
  }
}

export function computeThrottled(policy: string, seconds: number): ManagedError {
  const target = {
    operationGroup: policy,
    startTime: new Date().toISOString(),
    endTime: new Date(Date.now() + seconds * 1000).toISOString(),
    allowedRequestCount: 0,
    measuredRequestCount: 1,
  };
  return new ManagedError(429, 'OperationNotAllowed', {
    message:
      'The server rejected the request because too many requests have been received for this subscription.',
    shape: 'bare',
    details: [{ code: 'TooManyRequests', target: policy, message: JSON.stringify(target) }],
    headers: { 'Retry-After': String(seconds) },
  });
}

function windowSeconds(policy: string): number {
  const [, minutes = '3'] = /(\d+)Min$/.exec(policy) ?? [];
  return Number(minutes) * 60;
}
