import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import {
  BlobSASPermissions,
  ContainerClient,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { azuriteProgram } from '../../../src/lab/azurite-program.ts';

const ACCOUNT = 'devstoreaccount1';
/** Azurite's well-known key, printed in its documentation. */
const CREDENTIAL = new StorageSharedKeyCredential(
  ACCOUNT,
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
);

/** Azurite with a container for status and log blobs. */
export class TextBlobs implements AsyncDisposable {
  readonly container: ContainerClient;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, origin: string) {
    this.#child = child;
    this.container = new ContainerClient(`${origin}/${ACCOUNT}/texts`, CREDENTIAL);
  }

  /** @param tls files in PEM; plain HTTP where not given */
  static async start(tls?: {
    readonly certificate: string;
    readonly key: string;
  }): Promise<TextBlobs> {
    const parameters = [
      ...['--blobHost', '127.0.0.1', '--blobPort', '0'],
      ...['--inMemoryPersistence', '--silent', '--disableTelemetry', '--skipApiVersionCheck'],
      ...(tls === undefined ? [] : ['--cert', tls.certificate, '--key', tls.key]),
    ];
    const child = spawn(process.execPath, [azuriteProgram(), ...parameters], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    process.once('exit', () => child.kill('SIGKILL'));
    const blobs = new TextBlobs(child, await originSaidBy(child.stdout));
    await blobs.container.create();
    return blobs;
  }

  /** URI with a SAS, also of a blob that does not exist. */
  uri(name: string, permissions = 'rw'): string {
    const query = generateBlobSASQueryParameters(
      {
        containerName: this.container.containerName,
        blobName: name,
        permissions: BlobSASPermissions.parse(permissions),
        expiresOn: new Date(Date.now() + 3_600_000),
      },
      CREDENTIAL,
    );
    return `${this.container.getBlobClient(name).url}?${query}`;
  }

  async content(name: string): Promise<string> {
    return (await this.container.getBlobClient(name).downloadToBuffer()).toString('utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}

function originSaidBy(output: Readable): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  output.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const origin = /successfully listens on (https?:\/\/[^\s/]+)/.exec(text)?.[1];
    if (origin !== undefined) {
      resolve(origin);
    }
  });
  output.on('end', () => reject(new Error(`Azurite ended: ${text}`)));
  return promise;
}
