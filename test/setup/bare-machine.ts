import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { Guest } from '../../src/lab/agent/guest.ts';
import { inGuest, systemdGuest } from '../../src/lab/agent/systemd-guest.ts';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import type { CommandResult } from '../../src/lab/run-command.ts';
import { until } from '../extension/unit-scene.ts';

export const SERVICE = 'flashfreeze-snapshot.service';
export const TIMER = 'flashfreeze-snapshot.timer';
const CONF = '/etc/flashfreeze';
const CA = `${CONF}/lab-ca.pem`;

/** A machine with systemd and nothing else, whose disks are page blobs of the lab's server. */
export class BareMachine implements AsyncDisposable {
  readonly guest: Guest;
  readonly server: BlobServer;
  readonly #resources: AsyncDisposableStack;

  private constructor(guest: Guest, server: BlobServer, resources: AsyncDisposableStack) {
    this.guest = guest;
    this.server = server;
    this.#resources = resources;
  }

  static async create(): Promise<BareMachine> {
    await using made = new AsyncDisposableStack();
    const guest = made.use(await Guest.create([{ type: 'xfs' }], systemdGuest()));
    const blobs = guest.blobSources.map(({ imagePath }, index) => ({
      ...{ name: `disk${index}`, imagePath },
    }));
    const server = made.use(
      await BlobServer.start({
        blobs,
        latency: { kind: 'fixed', ms: 0 },
        snapshotContent: 'none',
        certificate: {
          caPath: LAB_TLS.caCertificate,
          certPath: LAB_TLS.certificate,
          keyPath: LAB_TLS.key,
        },
      }),
    );
    return new BareMachine(guest, server, made.move());
  }

  async put(path: string, text: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(this.guest.path(path)), { recursive: true });
    await writeFile(this.guest.path(path), text, { mode });
  }

  async read(path: string): Promise<string> {
    return await readFile(this.guest.path(path), 'utf8');
  }

  /** A file of the lab's in the guest. */
  async bring(from: string, path: string): Promise<void> {
    await copyFile(from, this.guest.path(path));
  }

  /** What the operator writes: the blobs, and what the timer is to do with them. */
  async configure(): Promise<void> {
    const [, sas] = this.server.containerUrl({ permissions: 'rlcw' }).split('?');
    const urls = this.server.urls.map((url) => `${url.split('?')[0]}?${sas}`);
    await this.put(`${CONF}/blobs.txt`, `${urls.join('\n')}\n`, 0o600);
    await this.put(
      `${CONF}/snapshot.conf`,
      `[Snapshot]\nblobs-from = ${CONF}/blobs.txt\nmetadata = Policy=daily\n`,
    );
    await this.bring(LAB_TLS.caCertificate, CA);
    await this.put(
      `/etc/systemd/system/${SERVICE}.d/lab.conf`,
      `[Service]\nEnvironment=NODE_EXTRA_CA_CERTS=${CA}\n`,
    );
    await this.run('systemctl', 'daemon-reload');
  }

  /** A program's end, whatever it is. */
  async end(...argv: readonly string[]): Promise<CommandResult> {
    return await inGuest(this.guest, argv);
  }

  /** Runs a program, which must succeed; resolves to its standard output. */
  async run(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.end(...argv);
    const journal = code === 0 ? '' : await this.journal();
    assert.is(code, 0, `${argv.join(' ')}: ${stdout}${stderr}${journal}`);
    return stdout.trim();
  }

  /** What systemd and the runs have said of the service. */
  async journal(): Promise<string> {
    const argv = ['journalctl', '--no-pager', '--output=cat', `--unit=${SERVICE}`];
    return (await this.end(...argv)).stdout;
  }

  async show<Name extends string>(
    unit: string,
    ...names: readonly Name[]
  ): Promise<Record<Name, string>> {
    const shown = await this.run('systemctl', 'show', `--property=${names.join(',')}`, unit);
    const pairs = shown.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    });
    return Object.fromEntries(pairs) as Record<Name, string>;
  }

  async is(unit: string, state: string): Promise<void> {
    await until(
      async () => (await this.show(unit, 'ActiveState')).ActiveState === state,
      () => `${state} of ${unit}: ${''}`,
    );
  }

  /** Starts the service and stops its process before anything is frozen, and after the launcher. */
  async holdRun(): Promise<{ readonly pid: string; goOn(): Promise<void> }> {
    await this.run('systemctl', 'start', '--no-block', SERVICE);
    let pid = '0';
    await until(
      async () => {
        pid = (await this.show(SERVICE, 'MainPID')).MainPID;
        return (await this.end('readlink', `/proc/${pid}/exe`)).stdout.endsWith('/node\n');
      },
      () => 'process of the run',
    );
    await this.run('systemctl', 'kill', '--kill-who=main', '--signal=STOP', SERVICE);
    return {
      pid,
      goOn: async () => {
        await this.run('systemctl', 'kill', '--kill-who=main', '--signal=CONT', SERVICE);
      },
    };
  }

  /** How many snapshots there are of the root disk. */
  async count(): Promise<number> {
    return (await this.server.snapshots('disk0')).length;
  }

  /** Every path of the root file system that is no state of the system's own. */
  async tree(): Promise<string[]> {
    const root = this.guest.path('/');
    const own =
      /^(?:proc|sys|dev|run|tmp|root|data|mnt|var\/log|var\/tmp|var\/lib\/systemd|lost\+found)(?:\/|$)/;
    const found: string[] = [];
    const walk = async (folder: string): Promise<void> => {
      for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (!own.test(path)) {
          found.push(path);
          await (entry.isDirectory() ? walk(path) : undefined);
        }
      }
    };
    await walk('');
    return found.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
