import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';

/** All addresses of a name; rejects with an error that has a `code`. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/**
 * Name resolution that can be switched to answer from memory: a retry that has to connect while file
 * systems are frozen must not ask a resolver, because the freeze may block the resolver's daemon.
 */
export class NameMemory {
  readonly #addresses = new Map<string, LookupAddress[]>();
  readonly #resolve: Resolve;
  #held = false;

  constructor(resolve: Resolve = (hostname) => systemLookup(hostname, { all: true })) {
    this.#resolve = resolve;
  }

  /** From now on answers known names from memory. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
  }

  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#find(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all === true) {
          callback(null, addresses);
        } else {
          callback(null, first?.address ?? '', first?.family);
        }
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };

  async #find(hostname: string): Promise<LookupAddress[]> {
    const known = this.#held ? this.#addresses.get(hostname) : undefined;
    if (known !== undefined) {
      return known;
    }
    const addresses = await this.#resolve(hostname);
    this.#addresses.set(hostname, addresses);
    return addresses;
  }
}
