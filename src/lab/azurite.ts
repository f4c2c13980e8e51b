import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import {
  AccountSASPermissions,
  BlobSASPermissions,
  BlobServiceClient,
  type ContainerClient,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { azuriteProgram } from './azurite-program.ts';
import { LAB_DIRECTORY, LAB_TLS } from './lab-paths.ts';

/** What the content matching reads of a blob, and a little more; a multiple of a page (512 bytes). */
export const HEAD_BYTES = 68 * 1024;
const ACCOUNT = 'lab';
const HOUR_MS = 3_600_000;

/** What a page blob is made for; a lab disk is one. */
export interface BlobSource {
  /** The block device (or file) whose first bytes the blob gets. */
  readonly device: string;
  readonly sizeBytes: number;
}

export interface SasOptions {
  /** Letters as in the `sp` field. Default: read, create, write, delete. */
  readonly permissions?: string;
  /** Default: an hour from now. */
  readonly expiresOn?: Date;
}

export interface ListedSnapshot {
  /** Time that names the snapshot, as `x-ms-snapshot` gives it. */
  readonly snapshot: string;
  readonly sizeBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Azure's storage emulator over HTTPS on a free port of loopback, all in memory. Only inside the
 * lab: there are the certificates, and NODE_EXTRA_CA_CERTS makes Node trust them.
 */
export class Azurite implements AsyncDisposable {
  readonly #emulator: Emulator;
  readonly #container: ContainerClient;

  private constructor(emulator: Emulator, container: string) {
    this.#emulator = emulator;
    const service = new BlobServiceClient(emulator.endpoint, emulator.credential);
    this.#container = service.getContainerClient(container);
  }

  /** Without a slash at the end, with the account. */
  get endpoint(): string {
    return this.#emulator.endpoint;
  }

  /** Resolves when it answers requests. */
  static async start(): Promise<Azurite> {
    return await Azurite.#open(await Emulator.start(), 'vhds');
  }

  /**
   * A container in an emulator that all who call this share, and that ends with the lab: its start takes more processor
   * time than what most tests ask of it.
   */
  static async share(): Promise<Azurite> {
    shared ??= Emulator.start().then((emulator) => emulator.leaveToLab());
    return await Azurite.#open(await shared, `vhds-${randomBytes(8).toString('hex')}`);
  }

  static async #open(emulator: Emulator, container: string): Promise<Azurite> {
    const azurite = new Azurite(emulator, container);
    await azurite.#container.create();
    return azurite;
  }

  /**
   * Makes a page blob of the disk's size that begins with the same bytes as the disk; resolves to
   * its URL with a SAS.
   */
  async createPageBlob(name: string, disk: BlobSource, sas: SasOptions = {}): Promise<string> {
    const blob = this.#container.getPageBlobClient(name);
    const head = await readHead(disk.device);
    await blob.create(disk.sizeBytes);
    await blob.uploadPages(head, 0, head.length);
    return this.sasUrl(name, sas);
  }

  /** Also for a blob that does not exist. */
  sasUrl(name: string, { permissions = 'rcwd', expiresOn }: SasOptions = {}): string {
    const query = generateBlobSASQueryParameters(
      {
        containerName: this.#container.containerName,
        blobName: name,
        permissions: BlobSASPermissions.parse(permissions),
        startsOn: new Date(Date.now() - HOUR_MS),
        expiresOn: expiresOn ?? new Date(Date.now() + HOUR_MS),
      },
      this.#emulator.credential,
    );
    return `${this.#container.getBlobClient(name).url}?${query}`;
  }

  /**
   * URL of the container with a SAS of the account. Default: read, list, delete. One of the container would
   * do in Azure; Azurite expects a snapshot's time in the signature of every SAS but the account's
   * (BlobSASAuthenticator), so that none of those opens a snapshot.
   */
  containerUrl(permissions = 'rld'): string {
    const query = generateAccountSASQueryParameters(
      {
        services: 'b',
        resourceTypes: 'co',
        permissions: AccountSASPermissions.parse(permissions),
        startsOn: new Date(Date.now() - HOUR_MS),
        expiresOn: new Date(Date.now() + HOUR_MS),
      },
      this.#emulator.credential,
    );
    return `${this.#container.url}?${query}`;
  }

  /** The blob's snapshots, oldest first. */
  async listSnapshots(name: string): Promise<ListedSnapshot[]> {
    const listed: ListedSnapshot[] = [];
    const options = { prefix: name, includeSnapshots: true, includeMetadata: true };
    for await (const item of this.#container.listBlobsFlat(options)) {
      if (item.name === name && item.snapshot !== undefined && item.snapshot !== '') {
        listed.push({
          snapshot: item.snapshot,
          sizeBytes: item.properties.contentLength ?? 0,
          metadata: item.metadata ?? {},
        });
      }
    }
    return listed.sort((a, b) => a.snapshot.localeCompare(b.snapshot));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#emulator[Symbol.asyncDispose]();
  }
}

let shared: Promise<Emulator> | undefined;

/** The process of Azurite, with one account. */
class Emulator implements AsyncDisposable {
  readonly endpoint: string;
  readonly credential: StorageSharedKeyCredential;
  readonly #child: ChildProcess;
  #isLeft = false;

  private constructor(child: ChildProcess, origin: string, key: string) {
    this.#child = child;
    this.endpoint = `${origin}/${ACCOUNT}`;
    this.credential = new StorageSharedKeyCredential(ACCOUNT, key);
  }

  static async start(): Promise<Emulator> {
    const key = randomBytes(64).toString('base64');
    const child = spawn(process.execPath, commandLine(), {
      cwd: LAB_DIRECTORY,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${key}` },
    });
    return new Emulator(child, await listeningOrigin(child), key);
  }

  /** From now on this process may end before it; the end of the lab ends it. */
  leaveToLab(): this {
    this.#isLeft = true;
    this.#child.unref();
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      (stream as Socket | null)?.unref();
    }
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isLeft && this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      // It would wait for idle connections; everything it has is in its memory.
      this.#child.kill('SIGKILL');
      await exited;
    }
  }
}

function commandLine(): string[] {
  return [
    azuriteProgram(),
    ...['--blobHost', '127.0.0.1', '--blobPort', '0'],
    // Azure keeps idle connections for minutes; the default here is 5 s.
    ...['--blobKeepAliveTimeout', '300'],
    ...['--inMemoryPersistence', '--silent', '--disableTelemetry'],
    ...['--skipApiVersionCheck', '--cert', LAB_TLS.certificate, '--key', LAB_TLS.key],
  ];
}

/** It says where it listens once it does. */
async function listeningOrigin(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const origin = /successfully listens on (https:\S+)/.exec(line)?.[1];
        if (origin !== undefined) {
          resolve(origin.replace(/\/$/, ''));
        }
      });
    }
  }
  child.on('error', reject);
  child.on('exit', (code) =>
    reject(new Error(`Azurite ended with ${code} at its start: ${said.join(' ')}`)),
  );
  return promise;
}

async function readHead(device: string): Promise<Buffer> {
  await using file = await open(device, 'r');
  const head = Buffer.alloc(HEAD_BYTES);
  await file.read(head, 0, head.length, 0);
  return head;
}
