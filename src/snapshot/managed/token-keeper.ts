import { expiryError, fetchToken, type IdentityToken } from './identity-token.ts';

/** Less life than this is not worth a request. */
const LEAST_LIFE_MS = 60_000;

export interface TokenKeeperOptions {
  readonly audience: string;
  readonly clientId: string | undefined;
  /** Receives every token, so that no text shows it, and its end. */
  readonly learnSecret: (secret: string, expires: Date) => void;
  readonly abort: AbortSignal;
  readonly fetch?: typeof fetchToken;
}

/** Keeps the newest token of the VM's identity, and replaces it before it is too old; never while anything is frozen. */
export class TokenKeeper {
  readonly #options: TokenKeeperOptions;
  #token: IdentityToken | undefined;

  constructor(options: TokenKeeperOptions) {
    this.#options = options;
  }

  /**
   * A token that works now, as the value of the Authorization header. Secret.
   *
   * @throws FlashfreezeError as `fetchToken`
   */
  async forNow(): Promise<string> {
    return await this.#livingUntil(Date.now() + LEAST_LIFE_MS);
  }

  /**
   * A token that works until then.
   *
   * @throws FlashfreezeError as `fetchToken`; FF_IDENTITY_UNUSABLE if the newest token does not live that long
   */
  async until(untilMs: number): Promise<string> {
    const authorization = await this.#livingUntil(untilMs);
    const error = this.#token === undefined ? undefined : expiryError(this.#token, untilMs);
    if (error !== undefined) {
      throw error;
    }
    return authorization;
  }

  /** A new token, because the resource manager refused this one. */
  async renewed(): Promise<string> {
    this.#token = undefined;
    return await this.forNow();
  }

  async #livingUntil(untilMs: number): Promise<string> {
    const { audience, clientId, learnSecret, abort, fetch = fetchToken } = this.#options;
    if (this.#token === undefined || this.#token.expiresMs < untilMs) {
      this.#token = await fetch(audience, clientId, undefined, abort);
      learnSecret(this.#token.text, new Date(this.#token.expiresMs));
    }
    return `Bearer ${this.#token.text}`;
  }
}
