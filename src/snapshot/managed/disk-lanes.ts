import { FlashfreezeError } from '../../errors.ts';
import { Lanes, type LanesOptions } from '../blob/lanes.ts';
import type { Preflight, Rewarmed } from '../snapshot-types.ts';
import { USUAL_OPERATION_MS } from './disk-answer.ts';
import type { PreparedDisk } from './prepared-disk.ts';
import { judgeRates } from './rate-limits.ts';
import type { TokenKeeper } from './token-keeper.ts';

/** For the questions about the snapshots after the thaw: a connection may be lost. */
const INQUIRIES_MS = 10_000;

export interface DiskLanesOptions
  extends Pick<LanesOptions, 'lanes' | 'patienceMs' | 'onEvent' | 'preflightTimeoutMs'> {
  readonly tokens: TokenKeeper;
  /** By the wall clock: until when the token of the window must live. */
  readonly neededUntilMs: () => number;
  readonly warn?: (message: string) => void;
}

/** The lanes of managed disks: they send the VM's token, which is renewed before the freeze if its life is too short. */
export class DiskLanes extends Lanes {
  readonly #tokens: TokenKeeper;
  readonly #neededUntilMs: () => number;
  readonly #warn: (message: string) => void;

  private constructor(disks: readonly PreparedDisk[], options: DiskLanesOptions) {
    super(
      { kind: 'disks', targets: disks },
      { ...options, usualMs: USUAL_OPERATION_MS, inquiryMs: INQUIRIES_MS },
    );
    this.#tokens = options.tokens;
    this.#neededUntilMs = options.neededUntilMs;
    this.#warn = options.warn ?? (() => {});
  }

  /** @throws FlashfreezeError as `start` */
  static async open(disks: readonly PreparedDisk[], options: DiskLanesOptions): Promise<DiskLanes> {
    return await new DiskLanes(disks, options).start();
  }

  /** @throws FlashfreezeError FF_METADATA_UNREACHABLE, FF_IDENTITY_UNUSABLE */
  override async preflight(): Promise<readonly Preflight[]> {
    this.authorize(await this.#tokens.forNow());
    return await this.#again(await super.preflight(), () => super.preflight());
  }

  /**
   * @throws FlashfreezeError FF_METADATA_UNREACHABLE, FF_IDENTITY_UNUSABLE; FF_DISK_UNREACHABLE if the resource manager says
   * that it would refuse some of the requests
   */
  override async rewarm(): Promise<readonly Rewarmed[]> {
    this.authorize(await this.#tokens.until(this.#neededUntilMs()));
    const results = await this.#again(await super.rewarm(), () => super.rewarm());
    const told = results.flatMap((it) => (it.ok && it.rates !== undefined ? [it.rates] : []));
    const { problem, warning } = judgeRates(told, results.length, process.hrtime.bigint());
    if (problem !== undefined) {
      throw new FlashfreezeError('FF_DISK_UNREACHABLE', `${problem}. Nothing was frozen`);
    }
    if (warning !== undefined) {
      this.#warn(warning);
    }
    return results;
  }

  /** Once more with a new token if the resource manager refused this one. */
  async #again<R extends Preflight | Rewarmed>(
    results: readonly R[],
    repeat: () => Promise<readonly R[]>,
  ): Promise<readonly R[]> {
    if (!results.some((it) => !it.ok && it.failure.httpStatus === 401)) {
      return results;
    }
    this.authorize(await this.#tokens.renewed());
    return await repeat();
  }
}
