import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { ManagedIdentity, ManagedVm } from './model.ts';
import { ManagedError } from './reply.ts';

export interface IssuedToken {
  readonly text: string;
  readonly identity: ManagedIdentity;
  /** As it was asked for. */
  readonly audience: string;
  readonly notBefore: number;
  /** Epoch seconds, by the server's clock. */
  readonly expiresOn: number;
}

/** A cached token is handed out until so much of its life is left. */
const RENEWED_AT = 0.1;
/** As long as those that the cloud issues. */
const PADDING_BYTES = 700;

/** Issues tokens and recognises them again. */
export class TokenOffice {
  lifetimeSeconds: number;
  readonly #vm: ManagedVm;
  readonly #skewMs: number;
  readonly #issued = new Map<string, IssuedToken>();
  readonly #cached = new Map<string, IssuedToken>();
  readonly #tenant = randomUUID();

  constructor(vm: ManagedVm, lifetimeSeconds: number, skewMs: number) {
    this.#vm = vm;
    this.lifetimeSeconds = lifetimeSeconds;
    this.#skewMs = skewMs;
  }

  issue(identity: ManagedIdentity, audience: string): IssuedToken {
    const key = `${identity.clientId} ${audience}`;
    const cached = this.#cached.get(key);
    const now = this.#now();
    if (
      cached !== undefined &&
      cached.expiresOn - now > (cached.expiresOn - cached.notBefore) * RENEWED_AT
    ) {
      return cached;
    }
    const token = {
      ...{ identity, audience, notBefore: now, expiresOn: now + this.lifetimeSeconds },
      text: this.#write(identity, audience, now),
    };
    this.#issued.set(token.text, token);
    this.#cached.set(key, token);
    return token;
  }

  /** No token that was ever issued is good any more; metadata issues new ones. */
  revokeAll(): void {
    this.#issued.clear();
    this.#cached.clear();
  }

  /** The platform's cache goes, what was issued stays good. */
  forgetCached(): void {
    this.#cached.clear();
  }

  /** Throws 401. */
  check(authorization: string | undefined, audiences: readonly string[]): IssuedToken {
    const [, text] = /^Bearer (\S+)$/i.exec(authorization ?? '') ?? [];
    if (text === undefined) {
      throw this.#refusal('AuthenticationFailed', 'The authorization header is missing.');
    }
    const token = this.#issued.get(text);
    if (token === undefined) {
      throw this.#refusal('InvalidAuthenticationToken', 'The access token is invalid.');
    }
    if (!audiences.includes(token.audience)) {
      throw this.#refusal(
        'InvalidAuthenticationTokenAudience',
        `The access token has been obtained for wrong audience or resource '${token.audience}'. It should exactly match with one of the allowed audiences '${audiences.join("','")}'.`,
      );
    }
    if (token.expiresOn <= this.#now()) {
      throw this.#refusal(
        'ExpiredAuthenticationToken',
        `The access token expiry UTC time '${new Date(token.expiresOn * 1000).toISOString()}' is earlier than current UTC time.`,
      );
    }
    return token;
  }

  #refusal(code: string, message: string): ManagedError {
    return new ManagedError(401, code, {
      message,
      headers: {
        'WWW-Authenticate': `Bearer authorization_uri="https://login.microsoftonline.com/${this.#tenant}", error="invalid_token", error_description="${message.replaceAll('"', "'")}"`,
      },
    });
  }

  #write(identity: ManagedIdentity, audience: string, now: number): string {
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {
      ...{ aud: audience, iss: `https://sts.windows.net/${this.#tenant}/`, iat: now, nbf: now },
      ...{ exp: now + this.lifetimeSeconds, appid: identity.clientId, idtyp: 'app' },
      ...{ oid: identity.objectId, sub: identity.objectId, tid: this.#tenant, ver: '1.0' },
      ...{ xms_mirid: identity.resourceId, xms_az_rid: this.#vm.name },
      aio: randomBytes(PADDING_BYTES).toString('base64url'),
    };
    const signature = randomBytes(256).toString('base64url');
    return `${part({ typ: 'JWT', alg: 'RS256' })}.${part(claims)}.${signature}`;
  }

  #now(): number {
    return Math.floor((Date.now() + this.#skewMs) / 1000);
  }
}

/** Stands for a token in the log. */
export function tokenMark(authorization: string): string {
  const [scheme = '', ...rest] = authorization.split(' ');
  const hash = createHash('sha256').update(rest.join(' ')).digest('hex').slice(0, 12);
  return `${scheme} sha256:${hash}`;
}
