import { SharedProcessors } from './shared-processors.ts';

/** What a window consists of; ms. */
export interface WindowModel {
  readonly disks: number;
  readonly cores: number;
  /** Threads that send requests. */
  readonly lanes: number;
  /** From a request's arrival to its answer. */
  readonly latencyMs: number;
  /** What FIFREEZE waits for beside a processor: grace periods and the disk. */
  readonly freezeWaitMs: number;
  /** From here on: processor time for one disk. */
  readonly main: number;
  readonly lane: number;
  readonly native: number;
  /** The server, if it is on the same processors. */
  readonly server: number;
  /** Each writer, as soon as it may go on. */
  readonly writer: number;
}

/** Which part of a thread's time comes before the request is sent, by CPU profiles of the command. */
const BEFORE = { main: 0.5, lane: 0.45, native: 0.75, server: 0.5 };

/**
 * How long the writer that waits longest stands still: all file systems begin to freeze at once, the requests leave when the
 * last one is frozen, and each file system is thawed when the answer for its disk has been read. Pure.
 */
export function simulateWindow(model: WindowModel): number {
  const machine = new SharedProcessors(model.cores);
  const before = (who: keyof typeof BEFORE): number => model[who] * BEFORE[who];
  const after = (who: keyof typeof BEFORE): number => model[who] * (1 - BEFORE[who]);
  const disks = Array.from({ length: model.disks }, (_, disk) => disk);
  const laneOf = (disk: number): string => `lane ${disk % model.lanes}`;
  let frozen = 0;
  let longestMs = 0;

  const thawed = (disk: number): void => {
    longestMs = machine.nowMs;
    machine.run(`writer ${disk}`, model.writer, () => {});
  };
  const answered = (disk: number): void => {
    machine.run(laneOf(disk), after('lane'), () =>
      machine.run('main', after('main'), () =>
        machine.run(`native ${disk}`, after('native'), () => thawed(disk)),
      ),
    );
  };
  const received = (disk: number): void => {
    machine.run('server', before('server'), () =>
      machine.wait(model.latencyMs, () =>
        machine.run('server', after('server'), () => answered(disk)),
      ),
    );
  };
  const heardFrozen = (): void => {
    frozen += 1;
    if (frozen === model.disks) {
      for (const disk of disks) {
        machine.run(laneOf(disk), before('lane'), () => received(disk));
      }
    }
  };
  for (const disk of disks) {
    machine.run(`native ${disk}`, before('native'), () =>
      machine.wait(model.freezeWaitMs, () => machine.run('main', before('main'), heardFrozen)),
    );
  }
  machine.runToEnd();
  return longestMs;
}
