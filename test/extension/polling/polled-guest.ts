import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { GoalStateOutcome } from '../../../src/lab/agent/guest-agent.ts';
import type { GuestProcess } from '../../../src/lab/agent/guest-processes.ts';
import { LabHost, WIRE_SERVER_ADDRESS } from '../../../src/lab/host/lab-host.ts';
import type {
  HostCallName,
  LoggedHostRequest,
  SnapshotOrder,
} from '../../../src/lab/host/model.ts';
import { Scene, type Task } from '../scene.ts';
import { BACKUP_METADATA, encode } from '../task.ts';

const REPEAT_MS = 20;
const LIMIT_MS = 120_000;
const AZURE = '/etc/azure';
/** On a disk that is frozen, so that writing it proves that it is not. */
const TRACE = '/data/disk0/trace';

/** A guest whose host is asked five times a second. */
export class PolledGuest implements AsyncDisposable {
  readonly scene: Scene;
  host: LabHost;
  /** Of the task that has switched the service on. */
  #settings = '';

  private constructor(scene: Scene, host: LabHost) {
    this.scene = scene;
    this.host = host;
  }

  static async create(): Promise<PolledGuest> {
    const scene = await Scene.create({
      disks: [{ type: 'xfs' }],
      wireProtocolAddress: WIRE_SERVER_ADDRESS,
    });
    const directory = scene.guest.path(AZURE);
    await mkdir(directory, { recursive: true });
    await writeFile(`${directory}/vmbackup.conf`, '[Flashfreeze]\npollInterval = 0.2\n');
    return new PolledGuest(scene, await startHost());
  }

  /** One in which the service runs, and nothing else any more. */
  static async polling(): Promise<PolledGuest> {
    const machine = await PolledGuest.create();
    machine.#settings = (await machine.settings(true)).settings;
    await machine.scene.send(machine.#settings);
    await machine.quiet(1);
    return machine;
  }

  /** As the agent does from time to time. */
  async repeatGoalState(): Promise<GoalStateOutcome> {
    return await this.scene.sendAgain(this.#settings);
  }

  /** Settings of a task that switches the service on or off. */
  async settings(isOn: boolean): Promise<Task> {
    const dynamic = isOn ? [{ Key: 'enablevmsnapshotextensionpolling', Value: 'True' }] : [];
    const publicObject = { backupMetadata: BACKUP_METADATA, dynamicConfigsFromCRP: dynamic };
    return await this.scene.task({
      publicSettings: {
        objectStr: encode(publicObject),
        customSettings: JSON.stringify({ takeSnapshotFrom: 'onlyGuest' }),
      },
    });
  }

  /** Pre- and post-scripts that leave a trace. */
  async installScripts(): Promise<void> {
    const { guest } = this.scene;
    for (const name of ['pre', 'post']) {
      const text = `#!/bin/sh\necho ${name} >>${TRACE}\n`;
      await writeFile(guest.path(AZURE, `${name}.sh`), text, { mode: 0o700 });
    }
    const plugin = {
      preScriptLocation: `${AZURE}/pre.sh`,
      postScriptLocation: `${AZURE}/post.sh`,
    };
    const path = guest.path(AZURE, 'VMSnapshotScriptPluginConfig.json');
    await writeFile(path, JSON.stringify(plugin), { mode: 0o600 });
  }

  /** What the scripts have left. */
  async traced(): Promise<string> {
    const path = `${this.scene.guest.liveRoot}${TRACE}`;
    return (await readFile(path, 'utf8').catch(() => '')).trim().split('\n').join(' ');
  }

  services(): GuestProcess[] {
    return this.scene.guest
      .processes()
      .filter(({ commandLine }) => commandLine.slice(-2).join(' ') === 'extension poll');
  }

  /** Waits until nothing but so many services runs in the guest. */
  async quiet(services: number): Promise<void> {
    await until(() => {
      const all = this.scene.guest.processes().length;
      return all === services && this.services().length === services;
    }, `${services} services alone`);
  }

  /** Orders a snapshot; resolves to what the host was told, when it has been published. */
  async snapshot(order: SnapshotOrder): Promise<Told> {
    await this.host.order(order);
    return await this.told('publish-snapshot', order.snapshotId);
  }

  /** What the first of such calls that was answered says of a snapshot. */
  async told(call: HostCallName, snapshotId: string): Promise<Told> {
    const { body } = await this.request(
      call,
      (request) => request.body.includes(snapshotId) && request.answeredNs !== undefined,
    );
    return JSON.parse(body) as Told;
  }

  /** The first of such calls, as soon as there is one. */
  async request(
    call: HostCallName,
    isIt: (request: LoggedHostRequest) => boolean,
  ): Promise<LoggedHostRequest> {
    let found: LoggedHostRequest | undefined;
    await until(async () => {
      found = (await this.host.requests()).find((it) => it.call === call && isIt(it));
      return found !== undefined;
    }, call);
    assert.ok(found);
    return found;
  }

  /** As soon as such a call about a snapshot has been answered well. */
  async heard(call: HostCallName, snapshotId: string): Promise<void> {
    await this.request(call, ({ body, status }) => body.includes(snapshotId) && status === 200);
  }

  /** As soon as the extension's log has this. */
  async logged(text: string): Promise<void> {
    await until(async () => (await this.log()).includes(text), `"${text}" in the log`);
  }

  /** The extension's log. */
  async log(): Promise<string> {
    const { guest, agent } = this.scene;
    return await readFile(guest.path(agent.folders.log, 'extension.log'), 'utf8');
  }

  async restartHost(): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    this.host = await startHost();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.scene[Symbol.asyncDispose]();
  }
}

export interface Told {
  readonly snapshotId: string;
  readonly errMsg: string;
  readonly error?: { readonly code: string };
}

async function startHost(): Promise<LabHost> {
  return await LabHost.start({ at: 'wire-server', disks: [{ lun: -1 }, { lun: 0 }] });
}

export async function until(
  condition: () => Promise<boolean> | boolean,
  what: string,
): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `no ${what} within ${LIMIT_MS} ms`);
    await delay(REPEAT_MS);
  }
}
