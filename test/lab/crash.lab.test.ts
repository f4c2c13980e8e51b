import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { listLoopDevices } from '../../src/lab/loop-devices.ts';
import { suite } from '../suite.ts';
import type { FrozenLab } from './fixtures/frozen-lab.ts';

// Each lab here stands frozen, a writer blocked behind each disk, when something is killed. No
// enterLab(): what is left is looked for on the machine itself.
const test = suite('lab end');
const FROZEN_LAB = join(import.meta.dirname, 'fixtures/frozen-lab.ts');
const LONG_LIFE_SECONDS = 300;
/** Generous on a busy machine; the end takes a second. */
const GONE_WITHIN_MS = 120_000;

test('leaves nothing when the script is killed', async () => {
  await using lab = await RunningLab.start();
  process.kill(lab.pidOf('command'), 'SIGKILL');
  assert.equal(await lab.exitCode(), 137);
  await lab.assertGone();
});

test('leaves nothing when the process outside is killed', async () => {
  await using lab = await RunningLab.start();
  process.kill(lab.pidOf('outside'), 'SIGKILL');
  await lab.assertGone();
});

test('leaves nothing when its supervisor is killed', async () => {
  await using lab = await RunningLab.start();
  process.kill(lab.pidOf('supervisor'), 'SIGKILL');
  assert.equal(await lab.exitCode(), 1);
  await lab.assertGone();
});

test('leaves nothing when the script exits', async () => {
  await using lab = await RunningLab.start('exit');
  assert.equal(await lab.exitCode(), 7);
  await lab.assertGone();
});

test('leaves nothing when its disks were unmounted while frozen', async () => {
  await using lab = await RunningLab.start('unmounted');
  process.kill(lab.pidOf('outside'), 'SIGTERM');
  assert.equal(await lab.exitCode(), 143);
  await lab.assertGone();
});

test('leaves nothing when its lifetime is over', async () => {
  await using lab = await startShortLived();
  assert.equal(await lab.exitCode(), 137);
  await lab.assertGone();
});

/** Its lifetime has to be enough for everything to be frozen; on a busy machine that takes long. */
async function startShortLived(): Promise<RunningLab> {
  for (let seconds = 4; seconds < LONG_LIFE_SECONDS; seconds *= 2) {
    try {
      return await RunningLab.start('', seconds);
    } catch {
      // It ended before.
    }
  }
  assert.fail('no lifetime was long enough');
}

type Member = 'outside' | 'supervisor' | 'command';

class RunningLab implements AsyncDisposable {
  readonly #outside: ChildProcess;
  readonly #exited: Promise<number | null>;
  readonly #token: string;
  readonly #frozen: FrozenLab;

  private constructor(
    outside: ChildProcess,
    exited: Promise<number | null>,
    token: string,
    frozen: FrozenLab,
  ) {
    this.#outside = outside;
    this.#exited = exited;
    this.#token = token;
    this.#frozen = frozen;
  }

  static async start(end = '', lifetimeSeconds = LONG_LIFE_SECONDS): Promise<RunningLab> {
    const token = randomUUID();
    const args = [FROZEN_LAB, token, String(lifetimeSeconds), end];
    const outside = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(outside, 'exit').then(([code]) => code as number | null);
    const lines = createInterface({ input: outside.stdout });
    const ready = once(lines, 'line').then(([line]) => String(line));
    const line = await Promise.race([
      ready,
      exited.then((code) => assert.fail(`the lab ended early with ${code}`)),
    ]);
    const frozen = JSON.parse(line) as FrozenLab;
    return new RunningLab(outside, exited, token, frozen);
  }

  pidOf(member: Member): number {
    const outside = this.#outside.pid ?? 0;
    if (member === 'outside') {
      return outside;
    }
    const marks = ['supervisor.ts', 'init.sh', 'unshare'];
    const found = processesWith(this.#token).find(
      ({ pid, args }) =>
        pid !== outside &&
        args.some((arg) => arg === FROZEN_LAB) &&
        (member === 'supervisor'
          ? args.some((arg) => arg.endsWith('supervisor.ts')) && args[0] === process.execPath
          : !marks.some((mark) => args.some((arg) => arg.endsWith(mark)))),
    );
    assert.ok(found, `no ${member} among the lab's processes`);
    return found.pid;
  }

  exitCode(): Promise<number | null> {
    return this.#exited;
  }

  async assertGone(): Promise<void> {
    assert.ok(this.#frozen.loops.length === 4, 'the lab had no disks to begin with');
    const deadline = Date.now() + GONE_WITHIN_MS;
    while ((await this.#left()).length > 0 && Date.now() < deadline) {
      await delay(50);
    }
    assert.deepEqual(await this.#left(), []);
  }

  async #left(): Promise<string[]> {
    const processes = processesWith(this.#token).map(({ args }) => args.join(' '));
    const loops = (await listLoopDevices()).filter(({ name, imageOn }) =>
      this.#frozen.loops.some((own) => own.name === name && own.imageOn === imageOn),
    );
    return [...processes, ...loops.map(({ name }) => name)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#outside.kill('SIGKILL');
    await this.#exited;
  }
}

/** Every process with the token among its arguments, zombies aside: those have none. */
function processesWith(token: string): { pid: number; args: string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), args: argumentsOf(name) }))
    .filter(({ args }) => args.includes(token));
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // Ended meanwhile.
  }
}

test.run();
