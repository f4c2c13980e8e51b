import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../lab/agent/enter-guest-lab.ts';
import type { GuestProcess } from '../lab/agent/guest-processes.ts';
import { LabHost, WIRE_SERVER_ADDRESS } from '../lab/host/lab-host.ts';
import type { LoggedHostRequest } from '../lab/host/model.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertCommands } from './checks.ts';
import { preparePayload } from './payload.ts';
import { Scene } from './scene.ts';
import { BACKUP_METADATA, encode } from './task.ts';

await enterGuestLab({ lifetimeSeconds: 240 }, preparePayload);

const test = suite('polling service of the extension');
const REPEAT_MS = 20;
const LIMIT_MS = 20_000;

/** A guest whose host is asked five times a second. */
class PollScene implements AsyncDisposable {
  readonly scene: Scene;
  host: LabHost;

  private constructor(scene: Scene, host: LabHost) {
    this.scene = scene;
    this.host = host;
  }

  static async create(): Promise<PollScene> {
    const scene = await Scene.create({
      disks: [{ type: 'xfs' }],
      wireProtocolAddress: WIRE_SERVER_ADDRESS,
    });
    const directory = scene.guest.path('/etc/azure');
    await mkdir(directory, { recursive: true });
    await writeFile(`${directory}/vmbackup.conf`, '[Flashfreeze]\npollInterval = 0.2\n');
    return new PollScene(scene, await startHost());
  }

  /** Settings of a task that switches the service on or off. */
  async settings(isOn: boolean) {
    const dynamic = isOn ? [{ Key: 'enablevmsnapshotextensionpolling', Value: 'True' }] : [];
    const publicObject = { backupMetadata: BACKUP_METADATA, dynamicConfigsFromCRP: dynamic };
    return await this.scene.task({
      publicSettings: {
        objectStr: encode(publicObject),
        customSettings: JSON.stringify({ takeSnapshotFrom: 'onlyGuest' }),
      },
    });
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
  async snapshot(snapshotId: string): Promise<unknown> {
    await this.host.order({ snapshotId });
    let published: LoggedHostRequest | undefined;
    await until(async () => {
      published = (await this.host.requests()).find(
        ({ call, body, answeredNs }) =>
          call === 'publish-snapshot' && body.includes(snapshotId) && answeredNs !== undefined,
      );
      return published !== undefined;
    }, `publish of ${snapshotId}`);
    return JSON.parse(published?.body ?? '');
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

async function startHost(): Promise<LabHost> {
  return await LabHost.start({ at: 'wire-server', disks: [{ lun: -1 }, { lun: 0 }] });
}

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `no ${what} within ${LIMIT_MS} ms`);
    await delay(REPEAT_MS);
  }
}

test(
  'three rounds, the host restarted, the service restarted, disable stops it; nothing is left',
  async () => {
    await using machine = await PollScene.create();
    const { scene } = machine;
    const task = await machine.settings(true);
    assertCommands(await scene.send(task.settings), ['install', 'enable']);
    await machine.quiet(1);
    await assertBlobStatus(task, 1);

    assert.equal(await machine.snapshot('round-one'), { snapshotId: 'round-one', errMsg: '' });
    await machine.restartHost();
    assert.equal(await machine.snapshot('round-two'), { snapshotId: 'round-two', errMsg: '' });

    // Again the same goal state: the same process goes on.
    const [before] = machine.services();
    assertCommands(await scene.sendAgain(task.settings), ['enable']);
    await machine.quiet(1);
    assert.is(machine.services()[0]?.pid, before?.pid);

    // It is killed; the agent runs enable again, as it does from time to time.
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await machine.quiet(0);
    assertCommands(await scene.sendAgain(task.settings), ['enable']);
    await machine.quiet(1);
    assert.is.not(machine.services()[0]?.pid, before?.pid);
    assert.equal(await machine.snapshot('round-three'), { snapshotId: 'round-three', errMsg: '' });
    assert.equal(await scene.snapshotCounts(), scene.each(1));

    // A newer version takes its place.
    assertCommands(await scene.sendAgain(task.settings, '1.0.0.2'), [
      ...['disable', 'update', 'uninstall', 'install', 'enable'],
    ]);
    await machine.quiet(1);
    assert.match(machine.services()[0]?.commandLine.join(' ') ?? '', '1.0.0.2');
    assert.equal(await machine.snapshot('round-four'), { snapshotId: 'round-four', errMsg: '' });

    const removed = await scene.agent.remove();
    assertCommands(removed, ['disable', 'uninstall']);
    await scene.settled();
    const asked = (await machine.host.requests()).length;
    await delay(1_000);
    assert.is((await machine.host.requests()).length, asked, 'it still asks');
    assert.equal(
      (await readdir(`${scene.guest.liveRoot}/run`)).filter((name) => /snapshot|flash/.test(name)),
      [],
    );
  },
  { timeLimitMs: 120_000 },
);

test(
  'a task that does not want it stops it',
  async () => {
    await using machine = await PollScene.create();
    const { scene } = machine;
    await scene.send((await machine.settings(true)).settings);
    await machine.quiet(1);
    await scene.send((await machine.settings(false)).settings);
    await scene.settled();
    assert.equal(machine.services(), []);
  },
  { timeLimitMs: 60_000 },
);

test.run();
