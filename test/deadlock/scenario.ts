import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LabFileSystemType } from '../../src/lab/disks.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import type { DaemonProcess } from './daemon-process.ts';
import type { Openers } from './openers.ts';
import { PlainFreeze } from './plain-freeze.ts';
import { Watchdog } from './watchdog.ts';

/** What a run of flashfreeze needs to know about a disk. */
export interface ScenarioDisk {
  readonly mountPoint: string;
  /** The file that holds its content. */
  readonly imagePath: string;
}

export interface ScenarioParts {
  /** In the order in which a freeze gets stuck. */
  readonly disks: readonly ScenarioDisk[];
  readonly openers?: Openers;
  readonly permissionDaemon?: DaemonProcess;
  /** Freezes as users of fsfreeze(8) do; resolves to the freezes that should be stuck. */
  readonly freezePlainly: (scenario: DeadlockScenario) => Promise<readonly PlainFreeze[]>;
}

export interface ScenarioOptions {
  readonly type?: LabFileSystemType;
}

const THAW_AGAIN_MS = 50;
/** Of hangs only: nothing that works takes as long, however busy the machine is. */
const WATCHDOG_SECONDS = 300;

/**
 * File systems that depend on each other, with the processes that make a freeze hang, and an independent
 * watchdog that releases everything at the end. Disposing releases and removes everything.
 */
export class DeadlockScenario implements AsyncDisposable {
  readonly disks: readonly ScenarioDisk[];
  readonly openers: Openers | undefined;
  readonly permissionDaemon: DaemonProcess | undefined;
  readonly watchdog: Watchdog;
  readonly #freezePlainly: ScenarioParts['freezePlainly'];
  readonly #resources: AsyncDisposableStack;
  readonly #freezes: PlainFreeze[] = [];

  constructor(parts: ScenarioParts, resources: AsyncDisposableStack) {
    this.disks = parts.disks;
    this.openers = parts.openers;
    this.permissionDaemon = parts.permissionDaemon;
    this.#freezePlainly = parts.freezePlainly;
    const mountPoints = parts.disks.map(({ mountPoint }) => mountPoint);
    this.watchdog = new Watchdog(WATCHDOG_SECONDS, parts.openers?.pids ?? [], mountPoints);
    this.#resources = resources;
  }

  /** Freezes in the order that gets stuck, one after the other, as a plain tool does. */
  async freezePlainly(): Promise<readonly PlainFreeze[]> {
    return await this.#freezePlainly(this);
  }

  mountPoint(index: number): string {
    return this.disks[index]?.mountPoint ?? '';
  }

  freeze(index: number): PlainFreeze {
    const freeze = PlainFreeze.start(this.mountPoint(index));
    this.#freezes.push(freeze);
    return freeze;
  }

  /** Makes data that a freeze has to write back. */
  async dirty(index: number): Promise<void> {
    await writeFile(join(this.mountPoint(index), 'dirty'), Buffer.alloc(2 ** 20, 1));
  }

  /** Every file system can be written to, and every opener continues. */
  async goesOn(): Promise<void> {
    await Promise.all(
      this.disks.map(({ mountPoint }) => writeFile(join(mountPoint, 'written'), 'x')),
    );
    await this.openers?.progress();
  }

  /** What operators can do without flashfreeze: end the openers, thaw until every freeze has returned. */
  async release(): Promise<void> {
    this.openers?.kill();
    const freezes = { areOver: false };
    const over = Promise.all(this.#freezes.map(({ ended }) => ended)).then(() => {
      freezes.areOver = true;
    });
    // In parallel: a thaw that blocks must not prevent the other thaws from being repeated.
    await Promise.all(
      this.disks.map(async (disk) => {
        while (!freezes.areOver) {
          await this.#thawOnce(disk);
          await Promise.race([over, delay(THAW_AGAIN_MS)]);
        }
        while (await this.#thawOnce(disk)) {
          // A thaw before the end of its freeze was lost.
        }
      }),
    );
  }

  async #thawOnce({ mountPoint }: ScenarioDisk): Promise<boolean> {
    return (await tryCommand('fsfreeze', ['--unfreeze', mountPoint])).code === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
    await this.watchdog[Symbol.asyncDispose]();
    await this.#resources[Symbol.asyncDispose]();
  }
}
