import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { Agent, type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServer } from './blob-server.ts';
import type { BlobServerOptions } from './model.ts';

export const IMAGE_BYTES = 1 << 20;
/** The first of the image is random, the rest a hole. */
export const DATA_BYTES = 8192;

/** A blob server with `count` small images, and what a test needs to talk to it. */
export class Rig implements AsyncDisposable {
  readonly server: BlobServer;
  readonly images: readonly string[];
  readonly agent: Agent;
  readonly #directory: string;

  private constructor(server: BlobServer, images: readonly string[], directory: string) {
    this.server = server;
    this.images = images;
    this.#directory = directory;
    this.agent = new Agent({ keepAlive: true, ca: readFileSync(server.caPath) });
  }

  static async start(
    options: Partial<BlobServerOptions> = {},
    count = 1,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<Rig> {
    const directory = await mkdtemp(join(tmpdir(), 'blob-server-test-'));
    const images: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const path = join(directory, `disk${index}.img`);
      await writeFile(path, randomBytes(DATA_BYTES));
      await truncate(path, IMAGE_BYTES);
      images.push(path);
    }
    const blobs = images.map((imagePath, index) => ({ name: `disk${index}`, imagePath, metadata }));
    return new Rig(await BlobServer.start({ blobs, ...options }), images, directory);
  }

  /** Rejects with the socket's error if there is no whole answer. */
  ask(url: string, options: RequestOptions = {}): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const outgoing = request(url, { agent: this.agent, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
    return promise;
  }

  /** PUT comp=snapshot of one blob. */
  snapshot(blob = 'disk0', headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.ask(`${this.server.sasUrl(blob)}&comp=snapshot`, {
      method: 'PUT',
      headers: { 'Content-Length': '0', 'x-ms-version': '2018-03-28', ...headers },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.destroy();
    await this.server[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}
