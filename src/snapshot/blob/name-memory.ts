import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/**
 * Name resolution that can be told to answer from memory: a retry that has to connect while file
 * systems are frozen must not ask a resolver whose daemon may be blocked by that very freeze.
 */
export class NameMemory {
  readonly #addresses = new Map<string, LookupAddress[]>();
  #held = false;

  /** From now on known names are answered from memory. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
  }

  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const known = this.#held ? this.#addresses.get(hostname) : undefined;
    if (known !== undefined) {
      queueMicrotask(() => answer(known, options.all === true, callback));
      return;
    }
    systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      this.#addresses.set(hostname, addresses);
      answer(addresses, options.all === true, callback);
    });
  };
}

function answer(
  addresses: readonly LookupAddress[],
  all: boolean,
  callback: Parameters<LookupFunction>[2],
): void {
  if (all) {
    callback(null, [...addresses]);
    return;
  }
  const [first] = addresses;
  callback(null, first?.address ?? '', first?.family);
}
