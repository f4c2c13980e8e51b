import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, errorAnswer, newRequestId, type RequestIdentity } from './answer.ts';
import type { FaultBook } from './fault-book.ts';
import { Listeners } from './listeners.ts';
import type { LoggedRequest, RequestFault, ServerCertificate } from './model.ts';
import type { RequestLog } from './request-log.ts';
import { type AnswerChannel, send, sendBadly } from './sabotage.ts';
import { parseRequest, type Service, type ServiceRequest } from './service.ts';
import { ServiceError } from './service-error.ts';

/** Keeps a connection for as long as the client does: idle ones must survive the longest preparation. */
const PATIENCE = {
  keepAliveTimeout: 0,
  headersTimeout: 0,
  requestTimeout: 0,
  connectionsCheckingInterval: 3_600_000,
};

export interface ServerParts {
  readonly service: Service;
  readonly faults: FaultBook;
  readonly log: RequestLog;
  readonly certificate: ServerCertificate;
  readonly untrusted: ServerCertificate;
}

/** HTTP over TLS over the listeners; where a request meets its fault. */
export class HttpsFront {
  readonly listeners: Listeners;
  readonly #parts: ServerParts;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    const servers = {
      trusted: this.#createServer(parts.certificate),
      untrusted: this.#createServer(parts.untrusted),
    };
    this.listeners = new Listeners(parts.faults, (tcp, certificate) => {
      servers[certificate].emit('connection', tcp);
    });
  }

  #createServer({ certPath, keyPath }: ServerCertificate): Server {
    const server = createServer(
      { cert: readFileSync(certPath), key: readFileSync(keyPath), ...PATIENCE },
      (request, response) => this.#serve(request, response),
    );
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    server.on('clientError', (_error, socket) => socket.destroy());
    return server;
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedNs = process.hrtime.bigint();
    const { localPort, remotePort } = message.socket;
    const connection = this.listeners.find(localPort, remotePort);
    if (connection === undefined) {
      message.socket.destroy();
      return;
    }
    const request = parseRequest(message);
    const identity = identityOf(message);
    const entry = this.#parts.log.open({
      blob: request.resource.blob,
      operation: request.operation,
      method: message.method ?? '',
      target: request.target,
      clientRequestId: identity.clientRequestId,
      requestId: identity.requestId,
      connection: connection.number,
      receivedNs,
    });
    await this.#answer(request, identity, { response, tcp: connection.tcp }, entry);
  }

  async #answer(
    request: ServiceRequest,
    identity: RequestIdentity,
    channel: AnswerChannel,
    entry: { -readonly [K in keyof LoggedRequest]: LoggedRequest[K] },
  ): Promise<void> {
    const fault = this.#parts.faults.forRequest(request.resource.blob, request.operation);
    entry.fault = fault?.kind;
    const reply = await this.#reply(request, identity, fault);
    const whole =
      fault === undefined || fault.kind === 'status' ? undefined : sendBadly(channel, fault, reply);
    if (whole === undefined) {
      // Before it leaves: its receiver may be much further by the time this goes on.
      entry.answeredNs = process.hrtime.bigint();
      entry.status = reply.status;
      send(channel, reply);
    } else if (await whole) {
      entry.answeredNs = process.hrtime.bigint();
      entry.status = reply.status;
    }
  }

  async #reply(
    request: ServiceRequest,
    identity: RequestIdentity,
    fault: RequestFault | undefined,
  ): Promise<Answer> {
    if (fault?.kind === 'status') {
      return statusReply(identity, fault);
    }
    if (fault !== undefined && 'handled' in fault && !fault.handled) {
      return errorAnswer(identity, new ServiceError(500, 'InternalError'));
    }
    try {
      return await this.#parts.service.handle(request, identity);
    } catch (error) {
      return errorAnswer(identity, asServiceError(error));
    }
  }
}

async function statusReply(
  identity: RequestIdentity,
  fault: Extract<RequestFault, { kind: 'status' }>,
): Promise<Answer> {
  const { status, code, retryAfterSeconds, delayMs } = fault;
  if (delayMs !== undefined) {
    await sleep(delayMs);
  }
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
  return errorAnswer(identity, new ServiceError(status, code), headers);
}

function identityOf({ headers, method }: IncomingMessage): RequestIdentity {
  return {
    requestId: newRequestId(),
    clientRequestId: headers['x-ms-client-request-id']?.toString(),
    version: headers['x-ms-version']?.toString() ?? '2022-11-02',
    withoutBody: method === 'HEAD',
  };
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) {
    return error;
  }
  process.stderr.write(`blob server: ${error instanceof Error ? error.stack : String(error)}\n`);
  return new ServiceError(500, 'InternalError');
}
