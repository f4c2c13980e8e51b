import { randomUUID } from 'node:crypto';
import type { FreezerEvent } from '../freezer/freezer-types.ts';
import type { SnapshotEvent } from '../snapshot/snapshot-types.ts';
import { throwIfAborted, unlessAborted } from '../system/abort.ts';
import type { ClockState } from '../system/clock-state.ts';
import type { PhaseName, PhaseTimes } from './record.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import type { Start } from './scheduled-start.ts';

/**
 * Passes events to the current listener: freezer and snapshot provider are opened once and outlive the phases that
 * listen to them.
 */
export class EventSlot<Event> {
  #listener: ((event: Event) => void) | undefined;

  tell(event: Event): void {
    this.#listener?.(event);
  }

  /** Replaces the listener until disposed. */
  listen(listener: (event: Event) => void): Disposable {
    this.#listener = listener;
    return {
      [Symbol.dispose]: () => {
        if (this.#listener === listener) {
          this.#listener = undefined;
        }
      },
    };
  }
}

/**
 * The context of one run: its request, its observer, its resources, and the duration of its phases. Every phase gets
 * it. Its disposal releases the resources in reverse order.
 */
export class RunContext implements RunObserver, AsyncDisposable {
  readonly request: BackupRequest;
  readonly startedAt = new Date();
  /** Identifier of the restore point: that of the task, or one of its own if that is empty. */
  readonly restorePoint: string;
  /** Its reason is an `AbortReason`. */
  readonly abort: AbortSignal;
  readonly resources = new AsyncDisposableStack();
  readonly freezerEvents = new EventSlot<FreezerEvent>();
  readonly snapshotEvents = new EventSlot<SnapshotEvent>();
  /** Of the wall clock; undefined if nothing says it, or until it was read. */
  clock: ClockState | undefined;
  /** When to begin to freeze; undefined: at once. */
  start: Start | undefined;
  readonly #observer: RunObserver;
  /** Also those of a trial. */
  readonly #shown: Set<string>;
  readonly #warnings: string[] = [];
  readonly #phases: PhaseTimes[] = [];

  constructor(
    request: BackupRequest,
    observer: RunObserver,
    abort: AbortSignal,
    shown = new Set<string>(),
  ) {
    this.request = request;
    this.start = request.startAt && { at: request.startAt, latestNs: undefined };
    this.restorePoint = request.taskId === '' ? randomUUID() : request.taskId;
    this.#shown = shown;
    this.#observer = observer;
    this.abort = abort;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Releases the resources in reverse order; then the observer may write, even if one of them failed. */
  async release(): Promise<void> {
    try {
      await this.resources.disposeAsync();
    } finally {
      this.#observer.released?.();
    }
  }

  /** A context of its own for a preparation that is released again. Its warnings are shown, but not part of this run. */
  trial(): RunContext {
    return new RunContext(this.request, this.#observer, this.abort, this.#shown);
  }

  /** The warnings so far. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** The times of the phases that have ended. */
  get phaseTimes(): readonly PhaseTimes[] {
    return this.#phases;
  }

  /** Measures a phase and reports it to the observer. */
  async phase<T>(name: PhaseName, work: () => Promise<T>): Promise<T> {
    this.phaseBegins(name);
    const startNs = process.hrtime.bigint();
    try {
      return await work();
    } finally {
      const endNs = process.hrtime.bigint();
      this.#phases.push({ name, startNs, endNs });
      this.phaseEnds(name, Number(endNs - startNs) / 1e6);
    }
  }

  /** Waits for `work` until the abort. @throws FlashfreezeError FF_INTERRUPTED */
  async unlessAborted<T>(work: Promise<T>): Promise<T> {
    return await unlessAborted(this.abort, work);
  }

  /** @throws FlashfreezeError FF_INTERRUPTED */
  throwIfAborted(): void {
    throwIfAborted(this.abort);
  }

  /** Hands a resource to the run. If the run was aborted and has already ended, disposes of it at once. */
  async own<Resource extends AsyncDisposable>(resource: Resource): Promise<Resource> {
    if (this.resources.disposed) {
      await resource[Symbol.asyncDispose]();
    }
    return this.resources.use(resource);
  }

  phaseBegins(phase: PhaseName): void {
    this.#observer.phaseBegins(phase);
  }

  phaseEnds(phase: PhaseName, durationMs: number): void {
    this.#observer.phaseEnds(phase, durationMs);
  }

  warn(message: string): void {
    this.#warnings.push(message);
    if (!this.#shown.has(message)) {
      this.#shown.add(message);
      this.#observer.warn(message);
    }
  }

  /** For a finding that several phases may have. */
  warnOnce(message: string): void {
    if (!this.#warnings.includes(message)) {
      this.warn(message);
    }
  }

  note(message: string): void {
    this.#observer.note?.(message);
  }
}
