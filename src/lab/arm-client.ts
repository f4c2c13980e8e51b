import { METADATA_ADDRESS } from './managed/lab-addresses.ts';
import type { CloudName } from './managed/model.ts';
import { ARM_HOSTS } from './managed/options.ts';

/** Of the disks' interface. */
const API_VERSION = 'api-version=2025-01-02';

export interface ArmReply {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined if there was none. */
  readonly body: unknown;
}

/**
 * A plain client of the lab's resource manager, with a token of the VM's identity; nothing of the product is in it.
 * Inside the lab only, where these addresses are the lab's.
 */
export class ArmClient {
  readonly #origin: string;
  readonly #token: string;

  private constructor(origin: string, token: string) {
    this.#origin = origin;
    this.#token = token;
  }

  static async open(environment: CloudName): Promise<ArmClient> {
    const origin = `https://${ARM_HOSTS[environment]}`;
    const { body } = await exchange(
      `http://${METADATA_ADDRESS}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(`${origin}/`)}`,
      { headers: { Metadata: 'true' } },
    );
    return new ArmClient(origin, (body as { readonly access_token: string }).access_token);
  }

  /**
   * Rejects unless the answer is a good one.
   *
   * @param target id of a resource, or a whole URL that the service gave
   */
  async get(target: string): Promise<ArmReply> {
    return await this.#ask(target, {});
  }

  async put(id: string, body: unknown): Promise<ArmReply> {
    return await this.#ask(id, { method: 'PUT', body: JSON.stringify(body) });
  }

  #ask(target: string, init: RequestInit): Promise<ArmReply> {
    const url = target.startsWith('/') ? `${this.#origin}${target}?${API_VERSION}` : target;
    const headers = {
      Authorization: `Bearer ${this.#token}`,
      'Content-Type': 'application/json',
    };
    return exchange(url, { ...init, headers });
  }
}

async function exchange(url: string, init: RequestInit): Promise<ArmReply> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${new URL(url).pathname} was answered HTTP ${response.status}`);
  }
  const { status, headers } = response;
  return { status, headers, body: text === '' ? undefined : JSON.parse(text) };
}
