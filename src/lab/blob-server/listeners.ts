import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { FaultBook } from './fault-book.ts';
import type { ConnectionFault } from './model.ts';

export interface Connection {
  readonly number: number;
  readonly tcp: Socket;
}

/** Takes a TCP connection over into TLS and HTTP. */
export type TakeOver = (tcp: Socket, certificate: 'trusted' | 'untrusted') => void;

interface Door {
  /** Undefined if all blobs share one port. */
  readonly blob: string | undefined;
  readonly server: Server;
  port: number;
}

/** The TCP side: ports, connections and the faults that come before TLS. */
export class Listeners {
  readonly #faults: FaultBook;
  readonly #takeOver: TakeOver;
  readonly #doors: Door[] = [];
  readonly #connections = new Map<string, Connection>();
  #count = 0;

  constructor(faults: FaultBook, takeOver: TakeOver) {
    this.#faults = faults;
    this.#takeOver = takeOver;
  }

  /** One port on 127.0.0.1 for each entry; resolves to the ports. */
  async open(blobs: readonly (string | undefined)[]): Promise<number[]> {
    for (const blob of blobs) {
      const server = createServer({ noDelay: true }, (tcp) => this.#accept(blob, tcp));
      const door = { blob, server, port: 0 };
      await listen(door);
      this.#doors.push(door);
    }
    return this.#doors.map(({ port }) => port);
  }

  /** Shuts and opens ports as the rules now have it. Connections that stand are left alone. */
  async applyRefusals(): Promise<void> {
    for (const door of this.#doors) {
      const refused = door.blob !== undefined && this.#faults.refuses(door.blob);
      if (refused && door.server.listening) {
        door.server.close();
      } else if (!refused && !door.server.listening) {
        await listen(door);
      }
    }
  }

  /** The connection that ends at these two ports; TLS and HTTP sockets know no other common name. */
  find(localPort: number | undefined, remotePort: number | undefined): Connection | undefined {
    return this.#connections.get(`${localPort} ${remotePort}`);
  }

  #accept(blob: string | undefined, tcp: Socket): void {
    this.#count += 1;
    const key = `${tcp.localPort} ${tcp.remotePort}`;
    const connection = { number: this.#count, tcp };
    this.#connections.set(key, connection);
    tcp.once('close', () => {
      if (this.#connections.get(key) === connection) {
        this.#connections.delete(key);
      }
    });
    tcp.on('error', () => tcp.destroy());
    this.#admit(tcp, this.#faults.forConnection(blob));
  }

  #admit(tcp: Socket, fault: ConnectionFault | undefined): void {
    switch (fault?.kind) {
      case 'refuse':
      case 'close-at-accept':
        tcp.destroy();
        return;
      case 'tls-garbage':
        tcp.once('data', () => tcp.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
        return;
      case 'tls-untrusted':
        this.#takeOver(tcp, 'untrusted');
        return;
      case undefined:
        this.#takeOver(tcp, 'trusted');
    }
  }
}

async function listen(door: Door): Promise<void> {
  door.server.listen({ host: '127.0.0.1', port: door.port, backlog: 1024 });
  await once(door.server, 'listening');
  door.port = (door.server.address() as AddressInfo).port;
}
