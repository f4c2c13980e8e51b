import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { type EnvironmentStyle, writeIdentity } from '../../src/lab/agent/extension-folders.ts';
import { Guest } from '../../src/lab/agent/guest.ts';
import { type GoalStateOutcome, GuestAgent } from '../../src/lab/agent/guest-agent.ts';
import type { CommandOutcome } from '../../src/lab/agent/handler-command.ts';
import { settingsText } from '../../src/lab/agent/settings-text.ts';
import { TransportCertificate } from '../../src/lab/agent/transport-certificate.ts';
import { Azurite } from '../../src/lab/azurite.ts';
import type { DiskSpec } from '../../src/lab/disks.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { type PayloadVersion, payloadPath } from './payload.ts';
import { newTaskId, type TaskWish, taskSettings } from './task.ts';
import { TaskBlobs } from './task-blobs.ts';

export const ROLE_GUID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';

export interface SceneSpec {
  readonly disks: readonly DiskSpec[];
  readonly style?: EnvironmentStyle;
  /** Where the host service is; default: where there is none. */
  readonly wireProtocolAddress?: string;
}

/** A task whose settings are ready to be sent. */
export interface Task {
  readonly taskId: string;
  readonly blobs: TaskBlobs;
  /** Text of the settings file. */
  readonly settings: string;
}

export type SceneWish = Partial<TaskWish> & { readonly blobKind?: 'page' | 'block' };

/** A guest with the extension's agent, and a storage account with a page blob for each disk. */
export class Scene implements AsyncDisposable {
  readonly guest: Guest;
  readonly azurite: Azurite;
  readonly certificate: TransportCertificate;
  readonly agent: GuestAgent;
  /** SAS URLs: the root disk's, then the others'. */
  readonly diskUrls: readonly string[];
  readonly #resources: AsyncDisposableStack;
  #sequenceNumber = -1;
  #tasks = 0;

  private constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.guest = parts.guest;
    this.azurite = parts.azurite;
    this.certificate = parts.certificate;
    this.agent = parts.agent;
    this.diskUrls = parts.diskUrls;
    this.#resources = resources;
  }

  static async create({ disks, style, wireProtocolAddress }: SceneSpec): Promise<Scene> {
    await using made = new AsyncDisposableStack();
    // Where one of them fails, the lab ends the other.
    const [guest, azurite] = await Promise.all([Guest.create(disks), Azurite.share()]);
    made.use(azurite);
    made.use(guest);
    const diskUrls = await Promise.all(
      guest.blobSources.map((source, index) => azurite.createPageBlob(diskBlob(index), source)),
    );
    const certificate = await TransportCertificate.create(guest.path('/var/lib/waagent'));
    await writeIdentity(guest, ROLE_GUID);
    const agent = new GuestAgent(guest, {
      environment: { NODE_EXTRA_CA_CERTS: '/etc/lab-ca.pem' },
      ...(style === undefined ? {} : { style }),
      ...(wireProtocolAddress === undefined ? {} : { wireProtocolAddress }),
    });
    await cp(LAB_TLS.caCertificate, guest.path('/etc/lab-ca.pem'));
    return new Scene({ guest, azurite, certificate, agent, diskUrls }, made.move());
  }

  /** A task with a status and a log blob of its own. */
  async task(wish: SceneWish = {}): Promise<Task> {
    this.#tasks += 1;
    const taskId = wish.taskId ?? newTaskId();
    const blobs = await TaskBlobs.create(
      this.azurite,
      `task${this.#tasks}`,
      wish.blobKind ?? (this.#tasks % 2 === 0 ? 'page' : 'block'),
    );
    const { statusBlobUri, logsBlobUri } = blobs;
    const settings = taskSettings({
      blobs: this.diskUrls,
      statusBlobUri,
      logsBlobUri,
      ...wish,
      taskId,
    });
    return { taskId, blobs, settings: await settingsText(settings, this.certificate) };
  }

  /** Sends the settings with the next sequence number. */
  async send(settings: string, version: PayloadVersion = '1.0.0.1'): Promise<GoalStateOutcome> {
    this.#sequenceNumber += 1;
    return await this.sendAgain(settings, version);
  }

  /** Sends the settings with the same sequence number as before. */
  async sendAgain(
    settings: string,
    version: PayloadVersion = '1.0.0.1',
  ): Promise<GoalStateOutcome> {
    return await this.agent.apply({
      packagePath: payloadPath(version),
      sequenceNumber: this.#sequenceNumber,
      settings,
    });
  }

  /** Runs enable with the next sequence number, whose settings file is there already. */
  async sendNumberOnly(): Promise<CommandOutcome> {
    this.#sequenceNumber += 1;
    return await this.agent.enableAgain(this.#sequenceNumber);
  }

  /** Runs a shell command in the guest, which must succeed. */
  async inGuest(shell: string): Promise<void> {
    const child = this.guest.spawn(['sh', '-c', shell], {
      directory: '/',
      environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.is(code, 0, shell);
  }

  get sequenceNumber(): number {
    return this.#sequenceNumber;
  }

  /** When nothing of the extension runs any more. Fails where something is left frozen. */
  async settled(limitMs?: number): Promise<void> {
    try {
      await this.guest.settled(limitMs);
    } finally {
      assert.equal(await this.guest.thawAll(), [], 'left frozen');
    }
  }

  /** How many snapshots each disk's blob has. */
  async snapshotCounts(): Promise<number[]> {
    const listed = await Promise.all(
      this.diskUrls.map((_, index) => this.azurite.listSnapshots(diskBlob(index))),
    );
    return listed.map(({ length }) => length);
  }

  /** `count` for every disk. */
  each(count: number): number[] {
    return this.diskUrls.map(() => count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

interface Parts {
  readonly guest: Guest;
  readonly azurite: Azurite;
  readonly certificate: TransportCertificate;
  readonly agent: GuestAgent;
  readonly diskUrls: readonly string[];
}

/** Name of the blob that stands for the guest's disk with that index; the root disk is 0. */
export function diskBlob(index: number): string {
  return `disk${index}.vhd`;
}
