import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { text } from 'node:stream/consumers';
import type { RequestFault, ServerCertificate } from '../blob-server/model.ts';
import { send, sendBadly } from '../blob-server/sabotage.ts';
import { type CallLog, type OpenCall, withoutSignature, withoutToken } from './call-log.ts';
import type { FaultRules } from './fault-rules.ts';
import type { CallName, LoggedCall, ManagedFault } from './model.ts';
import type { ListenAddress } from './options.ts';
import { answerOf, ManagedError, type Reply } from './reply.ts';
import { wait } from './wait.ts';

export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a request is about, for the log and for faults. */
export interface Subject<Call extends CallName> {
  readonly call: Call;
  readonly disk?: string | undefined;
  readonly resource?: string | undefined;
}

export interface FrontService<Call extends CallName = CallName> {
  readonly name: LoggedCall['service'];
  read(incoming: Incoming): Subject<Call>;
  /** Throws ManagedError. */
  handle(incoming: Incoming): Promise<Reply>;
  render(error: ManagedError): Reply;
}

export interface FrontParts {
  readonly service: FrontService;
  readonly faults: FaultRules;
  readonly log: CallLog;
  /** Without certificates: plain HTTP. */
  readonly certificate?: ServerCertificate;
  readonly untrusted?: ServerCertificate;
}

interface Connection {
  readonly number: number;
  readonly tcp: Socket;
}

/** Keeps a connection for as long as the client does. */
const PATIENCE = {
  keepAliveTimeout: 0,
  headersTimeout: 0,
  requestTimeout: 0,
  connectionsCheckingInterval: 3_600_000,
};

/** HTTP of one of the two services; where a request meets its fault, and is logged. */
export class ServiceFront {
  readonly #parts: FrontParts;
  readonly #tcp: Server;
  readonly #trusted: Server;
  readonly #untrusted: Server;
  readonly #connections = new Map<string, Connection>();
  #count = 0;

  constructor(parts: FrontParts) {
    this.#parts = parts;
    this.#trusted = this.#createHttp(parts.certificate);
    this.#untrusted =
      parts.untrusted === undefined ? this.#trusted : this.#createHttp(parts.untrusted);
    this.#tcp = createTcpServer({ noDelay: true }, (tcp) => this.#accept(tcp));
  }

  /** @returns the port */
  async listen({ host, port }: ListenAddress): Promise<number> {
    this.#tcp.listen({ host, port, backlog: 1024 });
    await once(this.#tcp, 'listening');
    return (this.#tcp.address() as AddressInfo).port;
  }

  /** With every connection. */
  async close(): Promise<void> {
    this.cutConnections();
    if (this.#tcp.listening) {
      this.#tcp.close();
      await once(this.#tcp, 'close');
    }
  }

  cutConnections(): void {
    for (const { tcp } of this.#connections.values()) {
      tcp.destroy();
    }
  }

  #createHttp(certificate: ServerCertificate | undefined): Server {
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#serve(request, response);
    };
    const server =
      certificate === undefined
        ? createServer(PATIENCE, serve)
        : createTlsServer({ ...PATIENCE, ...readCertificate(certificate) }, serve);
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    server.on('clientError', (_error: Error, socket: Socket) => socket.destroy());
    return server;
  }

  #accept(tcp: Socket): void {
    this.#count += 1;
    const key = `${tcp.localPort} ${tcp.remotePort}`;
    this.#connections.set(key, { number: this.#count, tcp });
    tcp.once('close', () => this.#connections.delete(key));
    tcp.on('error', () => tcp.destroy());
    const isTls = this.#parts.certificate !== undefined;
    switch (isTls ? this.#parts.faults.forConnection()?.kind : undefined) {
      case 'close-at-accept':
        tcp.destroy();
        return;
      case 'tls-garbage':
        tcp.once('data', () => tcp.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
        return;
      case 'tls-untrusted':
        this.#untrusted.emit('connection', tcp);
        return;
      case undefined:
        this.#trusted.emit('connection', tcp);
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedNs = process.hrtime.bigint();
    const { method = '', url: target = '/', headers, socket } = request;
    const connection = this.#connections.get(`${socket.localPort} ${socket.remotePort}`);
    const body = await text(request).catch(() => undefined);
    if (connection === undefined || body === undefined) {
      socket.destroy();
      return;
    }
    const { service, faults, log } = this.#parts;
    const { pathname: path, searchParams: query } = new URL(target, 'http://lab.invalid');
    const incoming = { method, path, query, headers, body };
    const { call, disk, resource } = service.read(incoming);
    const fault = faults.forCall(service.name, call, disk);
    const entry = log.open({
      ...{ call, service: service.name, method, target: withoutSignature(target) },
      ...{ headers: withoutToken(headers), body, disk, resource },
      ...{ connection: connection.number, receivedNs, answeredNs: undefined },
      ...{ status: undefined, code: undefined, fault: fault?.kind },
    });
    await this.#answer(incoming, fault, { response, tcp: connection.tcp }, entry);
  }

  async #answer(
    incoming: Incoming,
    fault: ManagedFault | undefined,
    channel: { readonly response: ServerResponse; readonly tcp: Socket },
    entry: OpenCall,
  ): Promise<void> {
    const reply = await this.#reply(incoming, fault, entry);
    const answer = answerOf(reply);
    const sentAsAnswer = (): void => {
      // Before it leaves: its receiver may be much further by the time this goes on.
      entry.answeredNs = process.hrtime.bigint();
      entry.status = answer.status;
    };
    if (fault !== undefined && isBroken(fault)) {
      if (await sendBadly(channel, fault, answer)) {
        sentAsAnswer();
      }
      return;
    }
    if (fault?.kind === 'close-after') {
      channel.response.setHeader('Connection', 'close');
    }
    sentAsAnswer();
    send(channel, answer);
  }

  async #reply(
    incoming: Incoming,
    fault: ManagedFault | undefined,
    entry: OpenCall,
  ): Promise<Reply> {
    const { service } = this.#parts;
    try {
      if (fault !== undefined && 'delayMs' in fault) {
        await wait(fault.delayMs ?? 0);
      }
      if (fault?.kind === 'answer') {
        return fault;
      }
      throwFault(fault);
      return await service.handle(incoming);
    } catch (error) {
      const known = asManagedError(error);
      entry.code = known.code;
      return service.render(known);
    }
  }
}

function isBroken(fault: ManagedFault): fault is Extract<ManagedFault, RequestFault> {
  return !['error', 'answer', 'slow', 'close-after'].includes(fault.kind);
}

function throwFault(fault: ManagedFault | undefined): void {
  if (fault?.kind === 'error') {
    const { status, code, message, shape, details, retryAfterSeconds } = fault;
    const headers =
      retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
    throw new ManagedError(status, code, { message, shape, details, headers });
  }
  if (fault !== undefined && 'handled' in fault && !fault.handled) {
    throw new ManagedError(500, 'InternalError');
  }
}

function asManagedError(error: unknown): ManagedError {
  if (error instanceof ManagedError) {
    return error;
  }
  process.stderr.write(`managed lab: ${error instanceof Error ? error.stack : String(error)}\n`);
  return new ManagedError(500, 'InternalServerError');
}

function readCertificate({ certPath, keyPath }: ServerCertificate): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certPath), key: readFileSync(keyPath) };
}
