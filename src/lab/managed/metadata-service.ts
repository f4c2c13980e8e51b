import type { Cloud } from './cloud.ts';
import type { FrontService, Incoming } from './front.ts';
import { computeDocument } from './metadata-document.ts';
import type { ManagedIdentity, MetadataCall } from './model.ts';
import { ARM_HOSTS } from './options.ts';
import { ManagedError, type Reply } from './reply.ts';
import { sameId } from './targets.ts';
import type { TokenOffice } from './token-office.ts';

const VERSIONS = [
  ...['2017-04-02', '2017-08-01', '2017-12-01', '2018-02-01', '2018-04-02', '2018-10-01'],
  ...['2019-02-01', '2019-03-11', '2019-04-30', '2019-06-01', '2019-06-04', '2019-08-01'],
  ...['2019-08-15', '2019-11-01', '2020-06-01', '2020-07-15', '2020-09-01', '2020-10-01'],
  ...['2020-12-01', '2021-01-01', '2021-02-01', '2021-03-01', '2021-05-01', '2021-10-01'],
  ...['2021-11-01', '2021-11-15', '2021-12-13', '2023-07-01', '2023-11-15', '2024-03-15'],
  ...['2024-07-17', '2025-04-07'],
];
const CALLS: Readonly<Record<string, MetadataCall>> = {
  '/metadata/instance': 'instance',
  '/metadata/instance/compute': 'compute',
  '/metadata/identity/oauth2/token': 'token',
};
const SECOND_MS = 1000;
const REQUESTS_PER_SECOND = 5;
const IDENTITY_PER_SECOND = 20;
const IDENTITY_AT_ONCE = 5;

/** What is asked of 169.254.169.254 (section 1 of managed-disks.md). */
export class MetadataService implements FrontService<MetadataCall> {
  readonly name = 'metadata';
  readonly #cloud: Cloud;
  readonly #tokens: TokenOffice;
  identities: readonly ManagedIdentity[];
  #times: number[] = [];
  #identityTimes: number[] = [];
  #identityRunning = 0;

  constructor(cloud: Cloud, tokens: TokenOffice, identities: readonly ManagedIdentity[]) {
    this.#cloud = cloud;
    this.#tokens = tokens;
    this.identities = identities;
  }

  read({ path }: Incoming): { readonly call: MetadataCall } {
    return { call: CALLS[path.replace(/\/$/, '').toLowerCase()] ?? 'other-metadata' };
  }

  render(error: ManagedError): Reply {
    return {
      status: error.status,
      headers: error.parts.headers ?? {},
      body: { ...(error.metadataBody as object), ...(error.parts.details?.[0] as object) },
    };
  }

  async handle(incoming: Incoming): Promise<Reply> {
    const { call } = this.read(incoming);
    const isIdentity = incoming.path.toLowerCase().startsWith('/metadata/identity');
    this.#admit(isIdentity);
    refuseBadRequest(incoming, isIdentity);
    switch (call) {
      case 'token':
        return await this.#token(incoming.query);
      case 'compute':
        return { status: 200, body: computeDocument(this.#cloud, versionOf(incoming.query)) };
      case 'instance': {
        const compute = computeDocument(this.#cloud, versionOf(incoming.query));
        return { status: 200, body: { compute, network: { interface: [] } } };
      }
      case 'other-metadata':
        throw new ManagedError(404, 'Not found', { message: 'There is no such element.' });
    }
  }

  #admit(isIdentity: boolean): void {
    const now = performance.now();
    const recent = (times: readonly number[]): number[] =>
      times.filter((time) => now - time < SECOND_MS);
    this.#times = recent(this.#times);
    this.#identityTimes = recent(this.#identityTimes);
    const [times, most] = isIdentity
      ? [this.#identityTimes, IDENTITY_PER_SECOND]
      : [this.#times, REQUESTS_PER_SECOND];
    if (times.length >= most || (isIdentity && this.#identityRunning >= IDENTITY_AT_ONCE)) {
      throw new ManagedError(429, 'Too Many Requests', { message: 'Too many requests.' });
    }
    times.push(now);
  }

  async #token(query: URLSearchParams): Promise<Reply> {
    this.#identityRunning += 1;
    try {
      const resource = query.get('resource') ?? '';
      if (resource === '') {
        throw new ManagedError(400, 'invalid_request', {
          message: "Required query variable 'resource' is missing",
        });
      }
      const identity = this.#choose(query);
      if (!isKnownResource(resource)) {
        throw new ManagedError(400, 'invalid_resource', {
          message: `AADSTS500011: The resource principal named ${resource} was not found in the tenant named lab. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.`,
        });
      }
      const token = this.#tokens.issue(identity, resource);
      const left = token.expiresOn - Math.floor(Date.now() / 1000);
      return {
        status: 200,
        body: {
          access_token: token.text,
          client_id: identity.clientId,
          expires_in: String(left),
          expires_on: String(token.expiresOn),
          ext_expires_in: String(left),
          not_before: String(token.notBefore),
          refresh_token: '',
          resource,
          token_type: 'Bearer',
        },
      };
    } finally {
      this.#identityRunning -= 1;
    }
  }

  #choose(query: URLSearchParams): ManagedIdentity {
    const keys = ['client_id', 'object_id', 'msi_res_id'].filter((key) => query.has(key));
    if (keys.length > 1) {
      throw new ManagedError(400, 'invalid_request', {
        message: 'Only one of client_id, object_id and msi_res_id can be specified',
      });
    }
    const [key] = keys;
    const found = key === undefined ? this.#default() : this.#named(key, query.get(key) ?? '');
    if (found === undefined) {
      throw new ManagedError(400, 'invalid_request', { message: 'Identity not found' });
    }
    return found;
  }

  #named(key: string, value: string): ManagedIdentity | undefined {
    return this.identities.find(({ clientId, objectId, resourceId }) => {
      const own = { client_id: clientId, object_id: objectId, msi_res_id: resourceId }[key] ?? '';
      return sameId(own, value);
    });
  }

  #default(): ManagedIdentity | undefined {
    const system = this.identities.find(({ kind }) => kind === 'system');
    if (system === undefined && this.identities.length > 1) {
      throw new ManagedError(400, 'invalid_request', {
        message:
          'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request',
      });
    }
    return system ?? this.identities[0];
  }
}

function refuseBadRequest({ method, headers, query }: Incoming, isIdentity: boolean): void {
  const refuse = (message: string, details: readonly unknown[] = []): never => {
    throw new ManagedError(400, isIdentity ? 'invalid_request' : 'Bad request', {
      ...{ message, details },
    });
  };
  if (method !== 'GET') {
    throw new ManagedError(405, 'Method Not Allowed', { message: 'Only GET is supported.' });
  }
  if (headers.metadata !== 'true') {
    throw new ManagedError(400, isIdentity ? 'bad_request_102' : 'Bad request', {
      message: 'Required metadata header not specified',
    });
  }
  if (headers['x-forwarded-for'] !== undefined) {
    refuse('X-Forwarded-For header is not allowed');
  }
  const keys = [...query.keys()].map((key) => key.toLowerCase());
  if (new Set(keys).size < keys.length) {
    refuse('A query parameter was specified more than once');
  }
  const newest = [{ 'newest-versions': VERSIONS.slice(-3).reverse() }];
  if (!query.has('api-version')) {
    refuse('api-version was not specified in the request', newest);
  }
  if (!VERSIONS.includes(versionOf(query))) {
    refuse('api-version is invalid', newest);
  }
}

const versionOf = (query: URLSearchParams): string => query.get('api-version') ?? '';

function isKnownResource(resource: string): boolean {
  const bare = resource.replace(/\/$/, '');
  return (
    Object.values(ARM_HOSTS).some((host) => bare === `https://${host}`) ||
    ['https://storage.azure.com', 'https://vault.azure.net'].includes(bare)
  );
}
