import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { runCommand } from '../../src/lab/run-command.ts';

export const TAP = 'ff0';
const HOST_ADDRESS = '10.99.0.1';

/** The cable between a machine and this network namespace, which must be a private one. */
export async function layCable(): Promise<void> {
  await runCommand('ip', ['link', 'set', 'lo', 'up']);
  await runCommand('ip', ['tuntap', 'add', TAP, 'mode', 'tap']);
  await runCommand('ip', ['address', 'add', `${HOST_ADDRESS}/24`, 'dev', TAP]);
  await runCommand('ip', ['link', 'set', TAP, 'up']);
}

/** Passes connections from the machine on to a port of loopback. */
export class Forwarder implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens on the port of that number, too. */
  static async start(port: number): Promise<Forwarder> {
    const server = createServer({ noDelay: true });
    const forwarder = new Forwarder(server);
    server.on('connection', (near) => {
      const far = connect({ port, host: '127.0.0.1', noDelay: true });
      forwarder.#join(near, far);
      forwarder.#join(far, near);
    });
    server.listen({ host: HOST_ADDRESS, port });
    await once(server, 'listening');
    return forwarder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
