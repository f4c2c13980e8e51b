import { basename, dirname } from 'node:path';
import { type NativeFreezer, systemCallFailure } from '../system/native.ts';
import { callFor, SafeDirectory } from '../system/safe-directory.ts';
import { reasonInMemory } from './freezer-errors.ts';

/** The directory in which a ledger is created and may get a name. */
export class LedgerPlace {
  readonly #directory: string;
  /** The error if the directory cannot be used. */
  #failure: unknown;

  /** @param directory created for root alone if it is missing; empty: the ledger is in memory only */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** `make` gets the open directory; -1 if there is none or it cannot be used, which `keep` reports. */
  makeIn<Result>(make: (descriptor: number) => Result): Result {
    using opened = this.#open();
    return make(opened?.descriptor ?? -1);
  }

  /** Gives the ledger its name. Returns undefined, or the reason why it is in memory only. */
  keep(native: NativeFreezer, path: string): string | undefined {
    try {
      if (this.#failure !== undefined) {
        throw this.#failure;
      }
      using opened = SafeDirectory.open(dirname(path));
      callFor(path, () => native.keepLedger(opened.descriptor, basename(path)));
      return undefined;
    } catch (error) {
      return reasonInMemory(error, this.#directory);
    }
  }

  #open(): SafeDirectory | undefined {
    try {
      return this.#directory === '' ? undefined : SafeDirectory.open(this.#directory);
    } catch (error) {
      if (systemCallFailure(error) === undefined) {
        throw error;
      }
      this.#failure = error;
      return undefined;
    }
  }
}
