import { join } from 'node:path';
import type { Guest } from './guest.ts';
import type { ImageRecipe } from './guest-image.ts';
import type { GuestProcess } from './guest-processes.ts';

/** What guests differ in. */
export interface GuestKind {
  readonly recipe: ImageRecipe;
  /**
   * Further arguments of unshare(1), which makes mount and pid namespaces: other namespaces, and the
   * program that makes the root its world. Descriptor 3 gets the first process's pid.
   *
   * @param rootAndMoves mount point of the root; then mount points in the lab and in the guest by turns
   */
  bootArguments(rootAndMoves: readonly string[]): readonly string[];
  /** Resolves when the guest, whose first process runs, is up. */
  up(guest: Guest): Promise<void>;
  /** Whether a process is part of the guest itself, and always there. */
  isPart(process: GuestProcess): boolean;
  /** Removes what has been made for the guest outside of it; nothing runs in it any more. */
  down(): Promise<void>;
}

/** The first process sleeps, and nothing else runs. */
export const BARE: GuestKind = {
  recipe: 'build-guest-image.sh',
  bootArguments: (rootAndMoves) => [
    ...['--', 'sh', join(import.meta.dirname, 'boot-guest.sh'), ...rootAndMoves],
  ],
  up: async () => {},
  isPart: () => false,
  down: async () => {},
};
