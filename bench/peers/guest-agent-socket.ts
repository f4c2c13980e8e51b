import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const KNOCK_INTERVAL_MS = 20;
const KNOCKS = 250;

type Reply = { readonly return: unknown } | { readonly error: { readonly desc: string } };

/**
 * A connection to qemu-guest-agent on a unix socket: JSON commands and replies, a line each
 * (https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html).
 */
export class GuestAgentSocket implements Disposable {
  readonly #socket: Socket;
  readonly #replies: AsyncIterator<string>;
  readonly #ended: Promise<never>;

  private constructor(socket: Socket, ended: Promise<never>) {
    this.#socket = socket;
    this.#replies = createInterface({ input: socket })[Symbol.asyncIterator]();
    this.#ended = ended;
  }

  /** @param exit resolves when the agent has ended; then nothing is waited for any more */
  static async connect(path: string, exit: Promise<unknown[]>): Promise<GuestAgentSocket> {
    const ended = exit.then(([code]) => {
      throw new Error(`qemu-ga has ended with ${String(code)}`);
    });
    ended.catch(() => {});
    const socket = await Promise.race([knock(path), ended]);
    const agent = new GuestAgentSocket(socket, ended);
    await agent.execute('guest-sync', { id: 1 });
    return agent;
  }

  /** Resolves to what the command returns; throws Error with what the agent says where it fails. */
  async execute(command: string, given?: object): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: given })}\n`);
    const { value } = await Promise.race([this.#replies.next(), this.#ended]);
    const reply = JSON.parse(String(value)) as Reply;
    if ('error' in reply) {
      throw new Error(`${command}: ${reply.error.desc}`);
    }
    return reply.return;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** The agent does not say when it listens. */
async function knock(path: string): Promise<Socket> {
  let reason: unknown;
  for (let knocks = 0; knocks < KNOCKS; knocks += 1) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      reason = error;
      await delay(KNOCK_INTERVAL_MS);
    }
  }
  throw new Error('qemu-ga does not listen', { cause: reason });
}
