import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const KNOCK_INTERVAL_MS = 20;
const KNOCKS = 250;
/** Longer than any freeze: 256 file systems, one after the other, take some 12 s. */
const REPLY_LIMIT_MS = 60_000;
/** An agent that listens and does not answer is stuck in its start: seen once. */
const GREETING_LIMIT_MS = 5_000;

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
    await agent.execute('guest-sync', { id: 1 }, GREETING_LIMIT_MS);
    return agent;
  }

  /**
   * Resolves to what the command returns; throws Error with what the agent says if it fails, and
   * if it says nothing.
   */
  async execute(command: string, given?: object, limitMs = REPLY_LIMIT_MS): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: given })}\n`);
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`qemu-ga does not answer ${command}`)),
      limitMs,
    );
    const reply = await Promise.race([this.#nextReply(), this.#ended, tooLate]);
    clearTimeout(timer);
    if ('error' in reply) {
      throw new Error(`${command}: ${reply.error.desc}`);
    }
    return reply.return;
  }

  async #nextReply(): Promise<Reply> {
    const { value } = await this.#replies.next();
    return JSON.parse(String(value)) as Reply;
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
