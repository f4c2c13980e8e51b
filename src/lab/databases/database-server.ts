import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Account, lookUpAccount } from '../../quiesce/databases/account.ts';
import type { ClientCommand, Dialect } from '../../quiesce/databases/client-session.ts';
import { tryCommand } from '../run-command.ts';

/** A database server of the lab's own, and how to talk with it. */
export interface LabDatabase extends AsyncDisposable {
  readonly client: ClientCommand;
  readonly dialect: Dialect;
  readonly process: ServerProcess;
  /** Content of a workload.conf for it. */
  readonly workload: string;
}

const READY_LIMIT_MS = 60_000;
const LOOK_MS = 50;

/** A server process under an account of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = '';

  constructor(program: string, args: readonly string[], { uid, gid }: Account) {
    this.#child = spawn(program, args, { uid, gid, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-20_000);
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has said last. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when `isReady` says so. Rejects with what the server said if it ends before. */
  async ready(isReady: () => Promise<boolean>): Promise<void> {
    for (let waited = 0; waited < READY_LIMIT_MS && this.isRunning; waited += LOOK_MS) {
      if (await isReady()) {
        return;
      }
      await delay(LOOK_MS);
    }
    throw new Error(`the server did not become ready:\n${this.#output}`);
  }

  /** Sends the signal and waits for its end. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.isRunning) {
      const exited = once(this.#child, 'exit');
      this.#child.kill(signal);
      await exited;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }
}

/** Runs a program as an account. Rejects if it fails. */
export async function runAs(
  { uid, gid }: Account,
  program: string,
  args: readonly string[],
): Promise<string> {
  const become = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', program];
  const { code, stdout, stderr } = await tryCommand('setpriv', [...become, ...args]);
  if (code !== 0) {
    throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  }
  return stdout;
}

/** An empty directory that belongs to the account. */
export async function makeOwnDirectory(path: string, { uid, gid }: Account): Promise<string> {
  await mkdir(path, { recursive: true });
  await chown(path, uid, gid);
  return path;
}

export { lookUpAccount };
