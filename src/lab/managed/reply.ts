import { STATUS_CODES } from 'node:http';
import type { Answer } from '../blob-server/answer.ts';

/** What is answered; the body is sent as JSON, a string or bytes as they are. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface ServiceErrorParts {
  readonly message?: string | undefined;
  readonly shape?: 'wrapped' | 'bare' | undefined;
  readonly details?: readonly unknown[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** An answer other than success. */
export class ManagedError extends Error {
  readonly status: number;
  readonly code: string;
  readonly parts: ServiceErrorParts;

  constructor(status: number, code: string, parts: ServiceErrorParts = {}) {
    super(parts.message ?? STATUS_CODES[status] ?? code);
    this.status = status;
    this.code = code;
    this.parts = parts;
  }

  /** As the resource manager says it: wrapped (its own) or bare (compute's). */
  get armBody(): unknown {
    const { details, shape } = this.parts;
    const error = {
      code: this.code,
      message: this.message,
      ...(details === undefined ? {} : { details }),
    };
    return shape === 'bare' ? error : { error };
  }

  /** As the instance metadata service says it. */
  get metadataBody(): unknown {
    return { error: this.code, error_description: this.message };
  }
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) {
    return body;
  }
  return Buffer.from(
    typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body),
  );
}

export function answerOf({ status, headers, body }: Reply): Answer {
  const bytes = bytesOf(body);
  return {
    status,
    headers: {
      'Cache-Control': 'no-cache',
      Pragma: 'no-cache',
      ...(bytes.length > 0 ? { 'Content-Type': 'application/json; charset=utf-8' } : {}),
      Expires: '-1',
      ...headers,
      Date: new Date().toUTCString(),
      ...(status === 204 ? {} : { 'Content-Length': String(bytes.length) }),
    },
    body: bytes,
  };
}
