import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { CallReply, CallRequest, CallsOf } from './service-calls.ts';

/** A service of the lab in a process of its own, as the process that started it sees it (service-calls.ts). */
export class ServiceProcess<Calls extends CallsOf<Calls>> implements AsyncDisposable {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #count = 0;

  /**
   * @param name for messages
   * @param program path of a module that calls `serveCalls`
   * @param nodeOptions of Node.js and V8
   */
  constructor(name: string, program: string, nodeOptions: readonly string[] = []) {
    this.#name = name;
    this.#child = fork(program, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [...nodeOptions],
    });
    this.#child.on('message', (reply: CallReply) => this.#settle(reply));
    this.#child.on('exit', () => this.#abandon());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Rejects when the service refuses, and when its process ends first. */
  async call<Name extends keyof Calls & string>(
    call: Name,
    argument: Calls[Name]['argument'],
  ): Promise<Calls[Name]['result']> {
    const pending = Promise.withResolvers<unknown>();
    this.#count += 1;
    this.#pending.set(this.#count, pending);
    this.#child.send({ id: this.#count, call, argument } satisfies CallRequest);
    return await pending.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      if (this.#child.connected) {
        this.#child.disconnect();
      }
      await exited;
    }
  }

  #settle(reply: CallReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.ok) {
      pending?.resolve(reply.result);
    } else {
      pending?.reject(new Error(`${this.#name}: ${reply.message}`));
    }
  }

  #abandon(): void {
    for (const pending of this.#pending.values()) {
      pending.reject(new Error(`the process of the ${this.#name} has ended`));
    }
    this.#pending.clear();
  }
}
