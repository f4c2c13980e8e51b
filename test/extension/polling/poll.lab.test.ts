import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../../src/config/vmbackup.ts';
import { pollForSnapshots } from '../../../src/extension/polling/poll.ts';
import { HeldLog } from '../../../src/log/held-log.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import { LabDisks } from '../../lab/disks.ts';
import { LabHost } from '../../lab/host/lab-host.ts';
import type { HostCallName, HostFault, LoggedHostRequest } from '../../lab/host/model.ts';
import { enterLab } from '../../lab/namespace.ts';
import { runCommand } from '../../lab/run-command.ts';
import { suite } from '../../suite.ts';

await enterLab({ lifetimeSeconds: 200 });

const test = suite('polling service');
const INTERVAL_MS = 40;

/** Disks, a host, and the service's loop in this process. */
class Scene implements AsyncDisposable {
  readonly disks: LabDisks;
  readonly lines: string[] = [];
  host: LabHost;
  readonly #abort = new AbortController();
  #loop: Promise<void> | undefined;
  isInstalled = true;

  private constructor(disks: LabDisks, host: LabHost) {
    this.disks = disks;
    this.host = host;
  }

  static async create(latencyMs = 0): Promise<Scene> {
    const disks = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }]);
    const host = await LabHost.start({ at: 'wire-server', latencyMs, disks: [{ lun: -1 }] });
    return new Scene(disks, host);
  }

  start(): void {
    const log = new HeldLog({
      sink: { write: (lines) => this.lines.push(lines) },
      redaction: new Redaction(),
    });
    this.#loop = pollForSnapshots(
      {
        wireProtocolAddress: undefined,
        intervalMs: INTERVAL_MS,
        configuration: () => DEFAULT_VM_BACKUP_CONFIGURATION,
        log,
        observer: { phaseBegins: () => {}, phaseEnds: () => {}, warn: (line) => log.warning(line) },
        isWanted: async () => this.isInstalled,
      },
      this.#abort.signal,
    );
  }

  /** Resolves when the loop has ended by itself. */
  async ended(): Promise<void> {
    await this.#loop;
  }

  async stop(): Promise<void> {
    this.#abort.abort({ kind: 'signal', signal: 'SIGTERM' });
    await this.#loop;
  }

  /** Orders a snapshot; resolves to what the host was told of it, when it has been published. */
  async snapshot(snapshotId: string): Promise<Published> {
    await this.host.order({ snapshotId });
    const [, ...others] = await this.requests('publish-snapshot', snapshotId);
    assert.is(others.length, 0);
    const told = await Promise.all(
      (['start-snapshot', 'publish-snapshot'] as const).map(async (call) => {
        const [request] = await this.requests(call, snapshotId);
        return JSON.parse(request?.body ?? '') as Told;
      }),
    );
    const [started, published] = told;
    return { started, published };
  }

  /** The calls about a snapshot, as soon as there is one that has been answered. */
  async requests(call: HostCallName, about = ''): Promise<LoggedHostRequest[]> {
    for (;;) {
      const found = (await this.host.requests()).filter(
        (request) => request.call === call && request.body.includes(about),
      );
      if (found.some(({ answeredNs }) => answeredNs !== undefined)) {
        return found;
      }
      await sleep(5);
    }
  }

  async restartHost(): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    this.host = await LabHost.start({ at: 'wire-server', disks: [{ lun: -1 }] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.host[Symbol.asyncDispose]();
    await this.disks[Symbol.asyncDispose]();
  }
}

interface Told {
  readonly snapshotId: string;
  readonly errMsg: string;
  readonly error?: { readonly code: string; readonly message: string };
}

interface Published {
  readonly started: Told | undefined;
  readonly published: Told | undefined;
}

test('three rounds with a snapshot each, the host restarted in between; then it ends', async () => {
  await using scene = await Scene.create();
  scene.start();
  for (const snapshotId of ['one', 'two', 'three']) {
    const { started, published } = await scene.snapshot(snapshotId);
    assert.equal(started, { snapshotId, errMsg: '' }, scene.lines.join(''));
    assert.equal(published, { snapshotId, errMsg: '' }, scene.lines.join(''));
    if (snapshotId === 'two') {
      await scene.restartHost();
    }
  }
  await scene.stop();
  const asked = (await scene.host.requests()).length;
  await sleep(3 * INTERVAL_MS);
  assert.is((await scene.host.requests()).length, asked, 'it still asks');
  assert.is(scene.lines.filter((line) => line.includes('is consistent')).length, 3);
});

test('the host is asked for nothing else between freeze and thaw', async () => {
  await using scene = await Scene.create(60);
  scene.start();
  await scene.snapshot('held');
  const requests = await scene.host.requests();
  const [start] = requests.filter(({ call }) => call === 'start-snapshot');
  const during = requests.filter(
    ({ receivedNs, answeredNs = 0n }) =>
      receivedNs < (start?.answeredNs ?? 0n) && answeredNs > (start?.receivedNs ?? 0n),
  );
  assert.equal(
    during.map(({ call }) => call),
    ['start-snapshot'],
  );
});

const GARBAGE: readonly HostFault[] = [
  { kind: 'garbage' },
  { kind: 'reset' },
  { kind: 'half-answer' },
  { kind: 'answer', status: 200, body: '' },
  { kind: 'answer', status: 200, body: '{"snapshotId": null}' },
  { kind: 'answer', status: 500, body: '<h1>no</h1>' },
];

for (const fault of GARBAGE) {
  test(`goes on after ${JSON.stringify(fault)}`, async () => {
    await using scene = await Scene.create();
    await scene.host.setFault({ call: 'check-for-snapshot', fault, times: 2 });
    scene.start();
    assert.equal((await scene.snapshot('after')).published, { snapshotId: 'after', errMsg: '' });
  });
}

test('tells the host with both calls where nothing could be frozen, and takes the next one', async () => {
  await using scene = await Scene.create();
  const [disk] = scene.disks.disks;
  await runCommand('fsfreeze', ['--freeze', disk?.mountPoint ?? '']);
  try {
    scene.start();
    const { started, published } = await scene.snapshot('foreign');
    assert.match(started?.errMsg ?? '', 'already frozen');
    assert.is(published?.error?.code, '121');
  } finally {
    await runCommand('fsfreeze', ['--unfreeze', disk?.mountPoint ?? '']);
  }
  assert.is((await scene.snapshot('own')).published?.errMsg, '');
});

test('a start that the host refuses is published as a fault', async () => {
  await using scene = await Scene.create();
  const fault = { kind: 'answer', status: 503, body: '' } as const;
  await scene.host.setFault({ call: 'start-snapshot', fault });
  scene.start();
  assert.match((await scene.snapshot('refused')).published?.errMsg ?? '', 'startsnapshot');
});

test(
  'a host that takes nine seconds is not waited for: what is held longer does not count',
  async () => {
    await using scene = await Scene.create();
    await scene.host.setFault({ call: 'start-snapshot', fault: { kind: 'slow', delayMs: 9_500 } });
    scene.start();
    const { published } = await scene.snapshot('slow');
    assert.is(published?.error?.code, '76');
    const [start] = await scene.requests('start-snapshot');
    const [publish] = await scene.requests('publish-snapshot');
    const waitedMs = Number((publish?.receivedNs ?? 0n) - (start?.receivedNs ?? 0n)) / 1e6;
    assert.ok(waitedMs < 9_500, `${waitedMs} ms`);
  },
  { timeLimitMs: 40_000 },
);

test('waits for a freeze of somebody else’s, by the lock that all freezers share', async () => {
  await using scene = await Scene.create();
  const other = await startOtherFreezer();
  scene.start();
  await scene.host.order({ snapshotId: 'later' });
  await scene.requests('versions');
  assert.is(
    (await scene.host.requests()).filter(({ call }) => call === 'start-snapshot').length,
    0,
  );
  other.stdin.end();
  const [publish] = await scene.requests('publish-snapshot', 'later');
  assert.is((JSON.parse(publish?.body ?? '') as Told).errMsg, '', scene.lines.join(''));
});

test('ends by itself where the extension’s directory is gone', async () => {
  await using scene = await Scene.create();
  scene.isInstalled = false;
  scene.start();
  await scene.ended();
  assert.equal(await scene.host.requests(), []);
});

async function startOtherFreezer() {
  const program = join(import.meta.dirname, 'fixtures/other-freezer.ts');
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

test.run();
