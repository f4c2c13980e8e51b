import type { LoggedCall } from './model.ts';
import { tokenMark } from './token-office.ts';

export type OpenCall = { -readonly [Key in keyof LoggedCall]: LoggedCall[Key] };

/** Every request to either service since the start, in order of arrival. */
export class CallLog {
  readonly #entries: OpenCall[] = [];

  /** The entry is filled in by the code that answers. */
  open(entry: OpenCall): OpenCall {
    this.#entries.push(entry);
    return entry;
  }

  since(sinceNs: bigint): readonly LoggedCall[] {
    return this.#entries.filter(({ receivedNs }) => receivedNs >= sinceNs);
  }
}

/** The parts of an operation's URL that let its bearer in. */
export function withoutSignature(target: string): string {
  return target.replace(
    /([?&](?:[csh]|sig)=)([^&]*)/g,
    (_all, name, value) => `${name}<${value.length}>`,
  );
}

export function withoutToken(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value = '']) => [
      name,
      name === 'authorization' ? tokenMark(String(value)) : String(value),
    ]),
  );
}
