import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { UNIT_NAME } from '../../src/extension/polling/systemd.ts';
import { writeIdentity } from '../../src/lab/agent/extension-folders.ts';
import { Guest } from '../../src/lab/agent/guest.ts';
import { type GoalStateOutcome, GuestAgent } from '../../src/lab/agent/guest-agent.ts';
import type { GuestProcess } from '../../src/lab/agent/guest-processes.ts';
import { settingsText } from '../../src/lab/agent/settings-text.ts';
import { inGuest, systemdGuest } from '../../src/lab/agent/systemd-guest.ts';
import { TransportCertificate } from '../../src/lab/agent/transport-certificate.ts';
import { LabHost, WIRE_SERVER_ADDRESS } from '../../src/lab/host/lab-host.ts';
import type { HostCallName, LoggedHostRequest } from '../../src/lab/host/model.ts';
import { blockedState } from '../lab/fixtures/blocked-state.ts';
import { type PayloadVersion, payloadPath } from './payload.ts';
import { ROLE_GUID } from './scene.ts';
import { BACKUP_METADATA, encode, taskSettings } from './task.ts';

const REPEAT_MS = 20;
const LIMIT_MS = 120_000;

/** A machine with systemd whose host is asked five times a second whether it wants a snapshot. */
export class UnitScene implements AsyncDisposable {
  readonly guest: Guest;
  readonly host: LabHost;
  /** The extension's. */
  readonly agent: GuestAgent;
  /** What the agent runs commands with, beside the usual; may be changed. */
  readonly environment: Record<string, string> = {};
  readonly #resources: AsyncDisposableStack;
  #settings = '';

  private constructor(guest: Guest, host: LabHost, resources: AsyncDisposableStack) {
    this.guest = guest;
    this.host = host;
    this.#resources = resources;
    this.agent = new GuestAgent(guest, {
      wireProtocolAddress: WIRE_SERVER_ADDRESS,
      environment: this.environment,
    });
  }

  static async create(): Promise<UnitScene> {
    await using made = new AsyncDisposableStack();
    // Where one of them fails, the lab ends the other.
    const [guest, host] = await Promise.all([
      Guest.create([{ type: 'xfs' }], systemdGuest()),
      LabHost.start({ at: 'wire-server', disks: [{ lun: -1 }, { lun: 0 }] }),
    ]);
    made.use(guest);
    made.use(host);
    await mkdir(guest.path('/etc/azure'), { recursive: true });
    await writeFile(guest.path('/etc/azure/vmbackup.conf'), '[Flashfreeze]\npollInterval = 0.2\n');
    await writeIdentity(guest, ROLE_GUID);
    const scene = new UnitScene(guest, host, made.move());
    await scene.#writeSettings();
    return scene;
  }

  /** Makes that version of the extension run with the service on. */
  async enable(version: PayloadVersion = '1.0.0.1'): Promise<GoalStateOutcome> {
    return await this.agent.apply({
      packagePath: payloadPath(version),
      sequenceNumber: 0,
      settings: this.#settings,
    });
  }

  /** Runs a program of the guest's, which must succeed; resolves to its standard output. */
  async run(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await inGuest(this.guest, argv);
    assert.is(
      code,
      0,
      `${argv.join(' ')}: ${stdout}${stderr}${code === 0 ? '' : await this.journal()}`,
    );
    return stdout.trim();
  }

  async systemctl(...args: readonly string[]): Promise<string> {
    return await this.run('systemctl', ...args);
  }

  /** Properties of the unit, as systemd has them. */
  async unit<Name extends string>(...names: readonly Name[]): Promise<Record<Name, string>> {
    const shown = await this.systemctl('show', `--property=${names.join(',')}`, UNIT_NAME);
    const pairs = shown.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    });
    return Object.fromEntries(pairs) as Record<Name, string>;
  }

  async mainPid(): Promise<string> {
    return (await this.unit('MainPID')).MainPID;
  }

  /** When the service that runs now was started (CLOCK_MONOTONIC). */
  async startedNs(): Promise<bigint> {
    const { ExecMainStartTimestampMonotonic } = await this.unit('ExecMainStartTimestampMonotonic');
    return BigInt(ExecMainStartTimestampMonotonic) * 1_000n;
  }

  /** When systemd has started it anew for the so-manieth time. */
  async runsAgain(count: string): Promise<void> {
    await until(
      async () => {
        const { ActiveState, NRestarts } = await this.unit('ActiveState', 'NRestarts');
        return ActiveState === 'active' && NRestarts === count;
      },
      () => `restart ${count}`,
    );
  }

  /** Fails unless the host has been told already that the order was ended by a signal. */
  async assertToldOfSignal(snapshotId: string): Promise<void> {
    const bodies = (await this.host.requests())
      .filter(({ call, answeredNs }) => call === 'publish-snapshot' && answeredNs !== undefined)
      .map(({ body }) => body);
    const told = bodies.find((body) => body.includes(snapshotId));
    assert.match(told ?? '', 'Ended by SIGTERM', bodies.join('\n'));
  }

  /** What the journal has of the unit. */
  async journal(): Promise<string> {
    const argv = ['journalctl', '--no-pager', '--output=cat', `--unit=${UNIT_NAME}`];
    return (await inGuest(this.guest, argv)).stdout;
  }

  /** The extension's processes with such a word among the arguments. */
  processes(word: string): GuestProcess[] {
    return this.guest
      .processes()
      .filter(({ commandLine }) => commandLine.some((it) => it.includes(word)));
  }

  /** When nothing but the service runs in the guest. */
  async quiet(): Promise<void> {
    await until(
      () => this.guest.processes().length === 1 && this.processes('poll').length === 1,
      () => `the service alone: ${describe(this.guest.processes())}`,
    );
  }

  /** The first such call about the snapshot, as soon as it has come in. */
  async received(call: HostCallName, snapshotId: string): Promise<LoggedHostRequest> {
    return await this.#request(call, snapshotId, () => true);
  }

  async answered(call: HostCallName, snapshotId: string): Promise<LoggedHostRequest> {
    return await this.#request(call, snapshotId, ({ answeredNs }) => answeredNs !== undefined);
  }

  /** Orders a snapshot; resolves to what the host has been told of it at last. */
  async snapshot(snapshotId: string): Promise<unknown> {
    await this.host.order({ snapshotId });
    const { body } = await this.answered('publish-snapshot', snapshotId);
    return JSON.parse(body);
  }

  /** Orders a snapshot that the host takes a while for; resolves while the machine is frozen. */
  async snapshotUnderWay(snapshotId: string, delayMs: number): Promise<FrozenWriters> {
    await this.host.setFault({
      call: 'start-snapshot',
      fault: { kind: 'slow', delayMs },
      times: 1,
    });
    await this.host.order({ snapshotId });
    await this.received('start-snapshot', snapshotId);
    return await FrozenWriters.start(this.guest.mountPoints);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #writeSettings(): Promise<void> {
    const certificate = await TransportCertificate.create(this.guest.path('/var/lib/waagent'));
    const settings = taskSettings({
      blobs: [],
      statusBlobUri: '',
      logsBlobUri: '',
      publicSettings: {
        objectStr: encode({
          backupMetadata: BACKUP_METADATA,
          dynamicConfigsFromCRP: [{ Key: 'EnableVMSnapshotExtensionPolling', Value: 'true' }],
        }),
        customSettings: JSON.stringify({ takeSnapshotFrom: 'onlyHost' }),
      },
    });
    this.#settings = await settingsText(settings, certificate);
  }

  async #request(
    call: HostCallName,
    snapshotId: string,
    accepts: (request: LoggedHostRequest) => boolean,
  ): Promise<LoggedHostRequest> {
    const found: LoggedHostRequest[] = [];
    await until(
      async () => {
        const requests = await this.host.requests();
        found.push(
          ...requests.filter(
            (request) =>
              request.call === call && request.body.includes(snapshotId) && accepts(request),
          ),
        );
        return found.length > 0;
      },
      () => `${call} of ${snapshotId}`,
    );
    const [first] = found;
    assert.ok(first);
    return first;
  }
}

/** One writer for each file system, all of which the freeze holds up. */
export class FrozenWriters {
  /** Resolves to the time at which the last of them could go on (CLOCK_MONOTONIC). */
  readonly thawedNs: Promise<bigint>;

  private constructor(writers: readonly ChildProcess[]) {
    this.thawedNs = Promise.all(writers.map((writer) => once(writer, 'exit'))).then(() =>
      process.hrtime.bigint(),
    );
  }

  /** Resolves when all of them stand still; rejects if one does not. */
  static async start(mountPoints: readonly string[]): Promise<FrozenWriters> {
    const children = mountPoints.map((path) => spawn('touch', [`${path}/written`]));
    const writers = new FrozenWriters(children);
    await Promise.all(children.map(({ pid }) => blockedState(pid ?? 0)));
    return writers;
  }
}

export async function until(
  condition: () => Promise<boolean> | boolean,
  what: () => string,
): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `no ${what()} within ${LIMIT_MS} ms`);
    await delay(REPEAT_MS);
  }
}

function describe(processes: readonly GuestProcess[]): string {
  return processes.map(({ pid, commandLine }) => `${pid} ${commandLine.join(' ')}`).join('; ');
}
