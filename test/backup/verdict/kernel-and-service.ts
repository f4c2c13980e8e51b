import type { FreezerEvent } from '../../../src/freezer/freezer-types.ts';
import type { SnapshotAnswer, SnapshotEvent } from '../../../src/snapshot/snapshot-types.ts';
import { failedAnswer, goodAnswer } from '../fixtures/records.ts';
import type { Machine } from './machine.ts';
import { plannedIn } from './plan-of.ts';
import type { Hold, World } from './world.ts';

/** From the end of a system call until the window hears of it. */
const HEARD_AFTER = 2;

/** Freezes and thaws as the kernel does; file systems are given by their index in the plan. */
export class FreezerOf {
  readonly #machine: Machine;
  readonly #world: World;
  readonly #planned: readonly number[];
  readonly #holds: Map<number, Hold>;
  readonly #tell: (event: FreezerEvent) => void;

  constructor(
    machine: Machine,
    world: World,
    holds: Map<number, Hold>,
    tell: (event: FreezerEvent) => void,
  ) {
    this.#machine = machine;
    this.#world = world;
    this.#planned = plannedIn(machine);
    this.#holds = holds;
    this.#tell = tell;
  }

  freeze(fileSystems: readonly number[]): void {
    for (const fileSystem of fileSystems) {
      const index = this.#planned[fileSystem] ?? 0;
      const { freezeTakes = 1, isRefused = false } = this.#machine.fileSystems[index] ?? {};
      const start = this.#world.tick();
      const end = start + freezeTakes;
      const stamps = { fileSystem, startNs: BigInt(start), endNs: BigInt(end) };
      if (!isRefused) {
        this.#holds.set(index, { from: end, until: undefined });
      }
      this.#world.at(end + HEARD_AFTER, () =>
        this.#tell(
          isRefused
            ? { kind: 'freeze-failed', errno: 'EBUSY', ...stamps }
            : { kind: 'frozen', ...stamps },
        ),
      );
    }
  }

  thaw(fileSystems: readonly number[]): void {
    for (const fileSystem of fileSystems) {
      const index = this.#planned[fileSystem] ?? 0;
      const hold = this.#holds.get(index);
      if (hold !== undefined && hold.until === undefined) {
        // One that is still freezing is thawed when it is frozen, and that is heard of first.
        const start = Math.max(this.#world.tick(), hold.from + 1);
        hold.until = start;
        const end = start + (this.#machine.fileSystems[index]?.thawTakes ?? 1);
        const stamps = { startNs: BigInt(start), endNs: BigInt(end) };
        this.#world.at(end + HEARD_AFTER, () =>
          this.#tell({ kind: 'thawed', fileSystem, wasFrozen: true, ...stamps }),
        );
      }
    }
  }
}

/** Takes snapshots, each at some moment between its request and its answer. */
export class ServiceOf {
  readonly #machine: Machine;
  readonly #world: World;
  readonly #tell: (event: SnapshotEvent) => void;
  readonly #answers = new Map<number, SnapshotAnswer>();
  readonly #underWay = new Set<number>();
  readonly takenAt: (number | undefined)[] = [];
  whenTaken: (target: number) => void = () => {};

  constructor(machine: Machine, world: World, tell: (event: SnapshotEvent) => void) {
    this.#machine = machine;
    this.#world = world;
    this.#tell = tell;
  }

  fire(targets: readonly number[]): void {
    for (const target of targets) {
      this.#underWay.add(target);
      const { leavesAfter = 1, takenAfter = 1 } = this.#machine.targets[target] ?? {};
      const firedAt = this.#world.now + leavesAfter;
      this.#world.at(firedAt + takenAfter, () => {
        this.takenAt[target] = this.#world.now;
        this.whenTaken(target);
        this.#answer(target, firedAt);
      });
    }
  }

  #answer(target: number, firedAt: number): void {
    const { answeredAfter = 1, heardAfter = 1, fails } = this.#machine.targets[target] ?? {};
    this.#world.at(this.#world.now + answeredAfter, () => {
      if (!this.#underWay.delete(target)) {
        return;
      }
      const atNs = BigInt(this.#world.now);
      const stamps = { firedNs: BigInt(firedAt), acknowledgedNs: atNs };
      this.#answers.set(target, fails ? failedAnswer(target) : goodAnswer(target, stamps));
      this.#world.at(this.#world.now + heardAfter, () =>
        this.#tell({ kind: fails ? 'failed' : 'acknowledged', target, atNs }),
      );
    });
  }

  /** What is not answered yet has failed. */
  abort(): void {
    for (const target of this.#underWay) {
      this.#underWay.delete(target);
      const atNs = BigInt(this.#world.now);
      this.#world.at(this.#world.now + 1, () => this.#tell({ kind: 'failed', target, atNs }));
    }
  }

  /** Of every target; one that was never asked for has failed. */
  answers(): SnapshotAnswer[] {
    return this.#machine.targets.map(
      (_, target) => this.#answers.get(target) ?? failedAnswer(target, { kind: 'aborted' }),
    );
  }
}
