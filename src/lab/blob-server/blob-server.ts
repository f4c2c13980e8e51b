import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ServiceProcess } from '../service-process.ts';
import { createLabCertificates } from '../tls.ts';
import type { ControlCalls, ServerSetup } from './control.ts';
import type {
  BlobServerOptions,
  FaultRule,
  Latency,
  LoggedRequest,
  ServerCertificate,
  SnapshotRecord,
} from './model.ts';
import { type SasGrant, signSas } from './sas.ts';
import { ACCOUNT, CONTAINER } from './service.ts';

/** Enough for preflight, snapshot and pruning. */
const DEFAULT_PERMISSIONS = 'rcwdl';
const DEFAULT_LIFETIME_MS = 24 * 3_600_000;

/**
 * A blob service on loopback, in a process of its own, whose page blobs are image files. HTTPS, SAS,
 * snapshots with content, and faults on demand. Ends with the process that started it.
 */
export class BlobServer implements AsyncDisposable {
  /** For NODE_EXTRA_CA_CERTS. */
  readonly caPath: string;
  readonly #process: ServiceProcess<ControlCalls>;
  readonly #setup: ServerSetup;
  readonly #directory: string;
  #ports: readonly number[] = [];
  #urls: readonly string[] = [];

  private constructor(setup: ServerSetup, directory: string) {
    this.#process = new ServiceProcess(
      'blob server',
      join(import.meta.dirname, 'process.ts'),
      setup.options.nodeOptions,
    );
    this.#setup = setup;
    this.#directory = directory;
    this.caPath = setup.certificate.caPath;
  }

  static async start(options: BlobServerOptions): Promise<BlobServer> {
    const [first] = options.blobs;
    if (first === undefined) {
      throw new RangeError('a blob server needs at least one blob');
    }
    const directory = await mkdtemp(join(dirname(first.imagePath), 'blob-server-'));
    const setup = await completeSetup(options, directory);
    const server = new BlobServer(setup, directory);
    try {
      server.#ports = await server.#process.call('start', setup);
      server.#urls = setup.options.blobs.map(({ name }) => server.sasUrl(name));
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** SAS URL of every blob, in the order given at the start. */
  get urls(): readonly string[] {
    return this.#urls;
  }

  /** Throws RangeError if there is no such blob. */
  sasUrl(blob: string, grant: Partial<SasGrant> = {}): string {
    const resource = { account: ACCOUNT, container: CONTAINER, blob };
    return `${this.#origin(blob)}/${ACCOUNT}/${CONTAINER}/${blob}?${this.#sas(resource, grant)}`;
  }

  /** For listing: a SAS of the whole container, at the first blob's port. */
  containerUrl(grant: Partial<SasGrant> = {}): string {
    const resource = { account: ACCOUNT, container: CONTAINER, blob: undefined };
    const [first] = this.#setup.options.blobs;
    const origin = this.#origin(first?.name ?? '');
    return `${origin}/${ACCOUNT}/${CONTAINER}?${this.#sas(resource, grant)}`;
  }

  /** Of the account, base64; for SAS made elsewhere. */
  get accountKey(): string {
    return this.#setup.accountKey;
  }

  /** In force when the promise resolves, also for connections that stand. */
  setFault(rule: FaultRule): Promise<undefined> {
    return this.#process.call('setFault', rule);
  }

  /** Takes away the rules of one blob, or all. */
  clearFaults(blob?: string): Promise<undefined> {
    return this.#process.call('clearFaults', blob);
  }

  setLatency(blob: string, latency: Latency): Promise<undefined> {
    return this.#process.call('setLatency', { blob, latency });
  }

  /** Answers the snapshot requests that are there at once, whatever the latency. */
  answerNow(): Promise<undefined> {
    return this.#process.call('answerNow', undefined);
  }

  /**
   * Every request in order of arrival.
   *
   * @param sinceNs only what came from then on (CLOCK_MONOTONIC); default: since the start
   */
  requests(sinceNs = 0n): Promise<readonly LoggedRequest[]> {
    return this.#process.call('requests', sinceNs);
  }

  /** In the order they were taken. */
  snapshots(blob: string): Promise<readonly SnapshotRecord[]> {
    return this.#process.call('snapshots', blob);
  }

  deleteSnapshot(blob: string, snapshot: string): Promise<undefined> {
    return this.#process.call('deleteSnapshot', { blob, snapshot });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #origin(blob: string): string {
    const { blobs, listeners } = this.#setup.options;
    const index = blobs.findIndex(({ name }) => name === blob);
    const port = this.#ports[listeners === 'shared' ? 0 : index];
    if (index < 0 || port === undefined) {
      throw new RangeError(`no blob "${blob}" on this server`);
    }
    return `https://127.0.0.1:${port}`;
  }

  #sas(resource: Parameters<typeof signSas>[0], grant: Partial<SasGrant>): string {
    const {
      permissions = DEFAULT_PERMISSIONS,
      expires = new Date(Date.now() + DEFAULT_LIFETIME_MS),
    } = grant;
    return signSas(resource, { permissions, expires }, this.#setup.accountKey);
  }
}

async function completeSetup(options: BlobServerOptions, directory: string): Promise<ServerSetup> {
  const [certificate, untrusted] = await Promise.all([
    options.certificate ?? makeCertificate(join(directory, 'trusted')),
    untrustedCertificate(),
  ]);
  return {
    options: {
      latency: { kind: 'fixed', ms: 0 },
      copyAt: 'random',
      snapshotContent: 'copy',
      snapshotDirectory: directory,
      listeners: 'per-blob',
      seed: 1,
      nodeOptions: [],
      ...options,
    },
    accountKey: randomBytes(64).toString('base64'),
    certificate,
    untrusted,
  };
}

let untrusted: Promise<ServerCertificate> | undefined;

/** By an authority that no client knows: one for all servers of this process, which removes it at its end. */
function untrustedCertificate(): Promise<ServerCertificate> {
  untrusted ??= mkdtemp(join(tmpdir(), 'blob-server-untrusted-')).then((directory) => {
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    return makeCertificate(directory);
  });
  return untrusted;
}

async function makeCertificate(directory: string): Promise<ServerCertificate> {
  await createLabCertificates(directory);
  const path = (file: string): string => join(directory, file);
  return {
    caPath: path('ca.pem'),
    certPath: path('server.pem'),
    keyPath: path('server.key'),
  };
}
