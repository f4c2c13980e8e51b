// Whatever ends a lab or a test, the machine's grace periods are put back. No enterLab(): they are the machine's.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { rcuExpedited, withRcuExpedited } from '../freezer/grace-periods.ts';
import { suite } from '../suite.ts';

const test = suite('grace periods of the machine');
const EXPEDITED = join(import.meta.dirname, 'fixtures/expedited.ts');

/** In place of the machine's: others run on it, too. */
class StandIn implements AsyncDisposable {
  readonly folder: string;
  readonly #users: ChildProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<StandIn> {
    const made = new StandIn(await mkdtemp(join(tmpdir(), 'grace-periods-')));
    await writeFile(made.path, '0\n');
    return made;
  }

  get path(): string {
    return join(this.folder, 'rcu_expedited');
  }

  async user(): Promise<ChildProcess> {
    const user = await expedited(this.folder, this.path);
    this.#users.push(user);
    assert.is(await this.value(), '1');
    return user;
  }

  async value(): Promise<string> {
    return (await readFile(this.path, 'utf8')).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const user of this.#users) {
      user.kill('SIGKILL');
    }
    await until(async () => (await this.value()) === '0').finally(() =>
      rm(this.folder, { recursive: true }),
    );
  }
}

async function expedited(...args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [EXPEDITED, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(() => assert.unreachable('ended early'));
  ended.catch(() => {});
  await Promise.race([once(child.stdout, 'data'), ended]);
  return child;
}

/** The test's time runs out where it does not come about. */
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) {
    await delay(10);
  }
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`are put back when who had them expedited is ended by ${signal}`, async () => {
    await using machine = await StandIn.create();
    (await machine.user()).kill(signal);
    await until(async () => (await machine.value()) === '0');
  });

  test(`are put back when the last of two is ended by ${signal}, who found them expedited`, async () => {
    await using machine = await StandIn.create();
    const first = await machine.user();
    const second = await machine.user();
    first.kill(signal);
    await once(first, 'exit');
    assert.is(await machine.value(), '1');
    second.kill(signal);
    await until(async () => (await machine.value()) === '0');
  });
}

/** The supervisor of the lab that this process has entered. */
function supervisorOf(outside: ChildProcess): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return (
        status.includes(`PPid:\t${outside.pid}\n`) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('supervisor.ts')
      );
    } catch {
      return false; // Ended meanwhile.
    }
  });
  return Number(found);
}

const ENDINGS: readonly [string, (outside: ChildProcess) => void][] = [
  ['SIGTERM', (outside) => outside.kill('SIGTERM')],
  ['a kill of its supervisor', (outside) => process.kill(supervisorOf(outside), 'SIGKILL')],
  ['a kill of the process outside', (outside) => outside.kill('SIGKILL')],
];
for (const [name, end] of ENDINGS) {
  test(`are put back after a lab in which they were expedited, ended by ${name}`, async () => {
    using _normal = withRcuExpedited('0');
    const outside = await expedited('lab');
    assert.is(rcuExpedited(), '1');
    end(outside);
    await once(outside, 'exit');
    await until(() => rcuExpedited() === '0');
  });
}

test.run();
