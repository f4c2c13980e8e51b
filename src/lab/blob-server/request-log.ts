import type { LoggedRequest } from './model.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Every request since the start, with the signature left out. */
export class RequestLog {
  readonly #entries: Mutable<LoggedRequest>[] = [];

  /** The entry is filled in by the code that answers. */
  open(entry: Omit<LoggedRequest, 'answeredNs' | 'status' | 'fault'>): Mutable<LoggedRequest> {
    const opened = { ...entry, answeredNs: undefined, status: undefined, fault: undefined };
    this.#entries.push(opened);
    return opened;
  }

  get entries(): readonly LoggedRequest[] {
    return this.#entries;
  }
}

export function withoutSignature(target: string): string {
  return target.replace(/([?&]sig=)[^&]*/g, '$1REDACTED');
}
