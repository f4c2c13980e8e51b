import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostCallName, HostFault, HostFaultRule, LoggedHostRequest } from './model.ts';
import { callOf, type HostReply, type HostService } from './service.ts';

type Entry = { -readonly [Key in keyof LoggedHostRequest]: LoggedHostRequest[Key] };

/** Keeps a connection for as long as the client does. */
const PATIENCE = { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 };

/** The host's HTTP; where a call meets its fault, and is logged. */
export class HostFront {
  readonly log: Entry[] = [];
  readonly #service: HostService;
  readonly #server: Server;
  readonly #connections = new Map<Socket, number>();
  #rules: { rule: HostFaultRule; seen: number }[] = [];
  #count = 0;

  constructor(service: HostService) {
    this.#service = service;
    this.#server = createServer(PATIENCE, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('connection', (socket) => {
      this.#count += 1;
      this.#connections.set(socket, this.#count);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => this.#connections.delete(socket));
    });
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** @returns `address:port`, or the address alone where the port is HTTP's own */
  async listen(address: string, port: number): Promise<string> {
    this.#server.listen({ host: address, port });
    await once(this.#server, 'listening');
    const actual = (this.#server.address() as AddressInfo).port;
    return actual === 80 ? address : `${address}:${actual}`;
  }

  /** With every connection. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  setFault(rule: HostFaultRule): void {
    this.#rules.push({ rule, seen: 0 });
  }

  clearFaults(): void {
    this.#rules = [];
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedNs = process.hrtime.bigint();
    const { method = '', url: target = '', headers, socket } = request;
    const call = callOf(method, target);
    const fault = this.#faultFor(call);
    const entry: Entry = {
      call,
      method,
      target,
      headers: headers as Record<string, string>,
      body: '',
      connection: this.#connections.get(socket) ?? 0,
      receivedNs,
      answeredNs: undefined,
      status: undefined,
      fault: fault?.kind,
    };
    this.log.push(entry);
    entry.body = await text(request).catch(() => '');
    await this.#answer(entry, fault, response);
  }

  async #answer(
    entry: Entry,
    fault: HostFault | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const { socket } = response;
    switch (fault?.kind) {
      case undefined:
        return finish(entry, response, await this.#service.reply(entry.call, entry.body));
      case 'answer':
        await sleep(fault.delayMs ?? 0);
        return finish(entry, response, fault);
      case 'slow':
        await sleep(fault.delayMs);
        return finish(entry, response, await this.#service.reply(entry.call, entry.body));
      case 'close-after':
        response.setHeader('Connection', 'close');
        return finish(entry, response, await this.#service.reply(entry.call, entry.body));
      case 'reset':
        socket?.resetAndDestroy();
        return;
      case 'no-answer':
        return;
      case 'garbage':
        socket?.end(Buffer.from('\x00\x01 this is not HTTP \xff\r\n\r\n', 'latin1'));
        return;
      case 'half-answer': {
        const { status, body } = await this.#service.reply(entry.call, entry.body);
        const head = `HTTP/1.1 ${status} OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
        socket?.end(head + body.slice(0, body.length / 2));
        return;
      }
    }
  }

  #faultFor(call: HostCallName): HostFault | undefined {
    for (const entry of this.#rules.filter(({ rule }) => rule.call === call)) {
      const { skip = 0, times = Number.POSITIVE_INFINITY, fault } = entry.rule;
      entry.seen += 1;
      if (entry.seen > skip && entry.seen <= skip + times) {
        return fault;
      }
    }
    return undefined;
  }
}

function finish(entry: Entry, response: ServerResponse, { status, body }: HostReply): void {
  // Before it leaves: its receiver may be much further by the time this goes on.
  entry.answeredNs = process.hrtime.bigint();
  entry.status = status;
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}
