import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../blob-server/random.ts';
import type { OperationPlan } from './model.ts';
import { ManagedError, type Reply } from './reply.ts';
import type { ServerClock } from './server-clock.ts';
import { wait, waitUntil } from './wait.ts';

export interface OperationSpec {
  /** The segment of its URL. */
  readonly kind: 'DiskOperations' | 'operations';
  readonly plan: OperationPlan;
  /** Name of the disk, for the log. */
  readonly disk: string | undefined;
  readonly resource: string;
  /** Takes the picture. */
  readonly picture: () => Promise<void>;
  readonly ended: (status: EndStatus) => void;
  /** The resource as it is now. */
  readonly output: () => unknown;
}

type EndStatus = 'Succeeded' | 'Failed' | 'Canceled';

const SHARE_OF_POINT = { arrival: 0, between: 0.5, end: 1 } as const;
/** Bytes of the certificate and of the signature that every URL carries: 3 to 4 KB as base64. */
const CERTIFICATE_BYTES = 2300;
const SIGNATURE_BYTES = 256;

/** What goes on after a 202. */
export class Operation {
  readonly id = randomUUID();
  readonly spec: OperationSpec;
  readonly startTime: string;
  /** The query of its URLs, which cannot be guessed. */
  readonly proof = {
    c: randomBytes(CERTIFICATE_BYTES).toString('base64url'),
    s: randomBytes(SIGNATURE_BYTES).toString('base64url'),
    h: randomBytes(32).toString('base64url'),
  };
  readonly pictured: Promise<void>;
  readonly ended: Promise<void>;
  readonly #clock: ServerClock;
  readonly #enoughPolls = Promise.withResolvers<void>();
  #polls = 0;
  #status: EndStatus | undefined;
  #endTime: string | undefined;

  constructor(spec: OperationSpec, clock: ServerClock, random: Random) {
    this.spec = spec;
    this.#clock = clock;
    this.startTime = clock.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.pictured = promise;
    this.ended = this.#run(performance.now(), random, resolve);
    if (spec.plan.inProgress <= 0) {
      this.#enoughPolls.resolve();
    }
  }

  get status(): EndStatus | undefined {
    return this.#status;
  }

  countPoll(): void {
    this.#polls += 1;
    if (this.#polls >= this.spec.plan.inProgress) {
      this.#enoughPolls.resolve();
    }
  }

  get document(): unknown {
    const { plan, output } = this.spec;
    const failed = this.#status === 'Failed' || this.#status === 'Canceled';
    return {
      startTime: this.startTime,
      ...(this.#endTime === undefined ? {} : { endTime: this.#endTime }),
      status: this.#status ?? plan.runningWord,
      ...(this.#status === 'Succeeded' ? { properties: { output: output() } } : {}),
      ...(failed ? { error: plan.error } : {}),
      name: this.id,
    };
  }

  /** Ends it now if it still runs; no picture is taken any more. */
  cancel(): void {
    this.#end('Canceled');
  }

  async #run(startedMs: number, random: Random, pictured: () => void): Promise<void> {
    const { plan } = this.spec;
    const fails = plan.outcome === 'Failed' || plan.outcome === 'Canceled';
    const share = plan.pointInTime === 'random' ? random() : SHARE_OF_POINT[plan.pointInTime];
    const takesEarly = share < 1 && !fails;
    if (takesEarly) {
      await waitUntil(startedMs + share * plan.durationMs);
      await this.#picture(pictured);
    }
    await waitUntil(startedMs + plan.durationMs);
    await this.#enoughPolls.promise;
    if (plan.outcome === 'never') {
      await new Promise<never>(() => {});
    }
    if (!takesEarly && !fails) {
      await this.#picture(pictured);
    }
    this.#end(fails ? (plan.outcome as EndStatus) : 'Succeeded');
    pictured();
  }

  async #picture(pictured: () => void): Promise<void> {
    try {
      if (this.#status === undefined) {
        await this.spec.picture();
      }
    } catch (error) {
      process.stderr.write(`managed lab: ${error instanceof Error ? error.message : error}\n`);
      this.#end('Failed');
    }
    pictured();
  }

  #end(status: EndStatus): void {
    if (this.#status !== undefined) {
      return;
    }
    this.#status = status;
    this.#endTime = this.#clock.now();
    this.spec.ended(status);
  }
}

/** All operations, their URLs and what a poll of one answers. */
export class Operations {
  readonly #clock: ServerClock;
  readonly #random: Random;
  readonly #operations = new Map<string, Operation>();

  constructor(clock: ServerClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  start(spec: OperationSpec): Operation {
    const operation = new Operation(spec, this.#clock, this.#random);
    this.#operations.set(operation.id, operation);
    return operation;
  }

  find(id: string): Operation | undefined {
    return this.#operations.get(id.toLowerCase());
  }

  /** Throws 404, and 403 if the URL is not whole. */
  poll(id: string, query: URLSearchParams, isLocation: boolean): Reply {
    const operation = this.find(id);
    if (operation === undefined) {
      throw new ManagedError(404, 'NotFound', { message: `The operation '${id}' is not found.` });
    }
    const { proof, spec } = operation;
    if (Object.entries(proof).some(([key, value]) => query.get(key) !== value)) {
      throw new ManagedError(403, 'LabInventedOperationUrlNotWhole', {
        message:
          'The signature in the operation URL does not fit: expected the URL as it was given.',
      });
    }
    operation.countPoll();
    const headers = retryAfter(spec.plan);
    if (!isLocation) {
      return { status: 200, headers, body: operation.document };
    }
    switch (operation.status) {
      case undefined:
        return { status: 202, headers };
      case 'Succeeded':
        return { status: 200, body: spec.output() };
      default: {
        const { code, message } = spec.plan.error;
        throw new ManagedError(operation.status === 'Canceled' ? 409 : 500, code, { message });
      }
    }
  }

  /** What a 202 (or 201) carries for it. */
  headers(operation: Operation, base: string, location: string): Record<string, string> {
    const { plan } = operation.spec;
    const url = (isLocation: boolean): string =>
      operationUrl(operation, base, location, isLocation);
    const hasAsync = plan.headers === 'both' || plan.headers === 'async-only';
    const hasLocation = plan.headers === 'both' || plan.headers === 'location-only';
    return {
      ...(hasLocation ? { Location: url(true) } : {}),
      ...(hasAsync ? { 'Azure-AsyncOperation': url(false) } : {}),
      ...retryAfter(plan),
      'x-ms-request-id': operation.id,
    };
  }
}

/** Answers no sooner than the plan says, and not before a picture that is due at the arrival. */
export async function answerDue(operation: Operation, arrivedMs: number): Promise<void> {
  const { plan } = operation.spec;
  await wait(arrivedMs + plan.answerMs - performance.now());
  if (plan.headers === 'at-once') {
    await operation.ended;
  } else if (plan.pointInTime === 'arrival') {
    await operation.pictured;
  }
}

function operationUrl(
  { id, proof, spec }: Operation,
  base: string,
  location: string,
  isLocation: boolean,
): string {
  const [, subscription = ''] = /^\/subscriptions\/([^/]+)/.exec(spec.resource) ?? [];
  const query = new URLSearchParams({
    p: id,
    ...(isLocation ? { monitor: 'true' } : {}),
    'api-version': '2025-01-02',
    t: String(BigInt(Date.now()) * 10_000n),
    ...proof,
  });
  return `${spec.plan.urlBase ?? base}/subscriptions/${subscription}/providers/Microsoft.Compute/locations/${location}/${spec.kind}/${id}?${query}`;
}

function retryAfter({ retryAfterSeconds }: OperationPlan): Record<string, string> {
  return retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
}
