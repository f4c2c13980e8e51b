import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

interface Answer {
  readonly event?: string;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

const TRY_AGAIN_MS = 50;
const TRIES = 200;

/** QEMU's control socket. Commands are answered in their order. */
export class Qmp implements Disposable {
  readonly #socket: Socket;
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => this.#answer(JSON.parse(line)));
    // The interface passes them on, too: a QEMU that ends at once resets the connection.
    lines.on('error', () => {});
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) {
        reject(new Error('QEMU has ended'));
      }
    });
  }

  /** Waits for QEMU to listen. */
  static async connect(path: string): Promise<Qmp> {
    for (let left = TRIES; ; left -= 1) {
      const socket = connect(path);
      try {
        await once(socket, 'connect');
        const qmp = new Qmp(socket);
        await qmp.command('qmp_capabilities');
        return qmp;
      } catch (error) {
        socket.destroy();
        if (left === 0) {
          throw error;
        }
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  /** Rejects with what QEMU says when it refuses. */
  async command(execute: string, more: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.push(answer);
    this.#socket.write(`${JSON.stringify({ execute, arguments: more })}\n`);
    return await answer.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  /** The greeting and events answer nothing. */
  #answer({ event, error, ...rest }: Answer): void {
    if (event !== undefined || (error === undefined && !('return' in rest))) {
      return;
    }
    const waiting = this.#waiting.shift();
    if (error === undefined) {
      waiting?.resolve(rest.return);
    } else {
      waiting?.reject(new Error(`QEMU: ${error.desc}`));
    }
  }
}
