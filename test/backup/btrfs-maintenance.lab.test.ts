/** Long btrfs operations, whose end a freeze would wait for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { cancelBalance } from '../../bench/faults/running-balance.ts';
import { VM_BACKUP_CONFIGURATION_PATH } from '../../src/config/vmbackup.ts';
import { attachImage, detachDevice } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { type Ended, flashfreeze, MAIN } from '../commands/command-line.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('btrfs maintenance');
const MOUNT = '/lab/big';
const IMAGE = '/lab/big.img';
/** Chunks with many snapshots: a balance takes long. */
const FORMAT = `
set -e
truncate -s 1500M ${IMAGE}
mkfs.btrfs -q -f ${IMAGE} 2>/dev/null
mkdir -p ${MOUNT}
`;
const FILL = `
set -e
btrfs subvolume create ${MOUNT}/s >/dev/null
cd ${MOUNT}/s
head -c 24000000 /dev/urandom | split -a 4 -b 4000 -
for i in $(seq 80); do btrfs subvolume snapshot ${MOUNT}/s ${MOUNT}/s$i >/dev/null; echo x >${MOUNT}/s$i/own; done
head -c 200M /dev/urandom >${MOUNT}/bytes
sync -f ${MOUNT}
`;

/** A btrfs on which operations take long; its disposal also ends the operations. */
class Big implements AsyncDisposable {
  readonly #started: ChildProcess[] = [];
  readonly #sys: string;

  private constructor(fsid: string) {
    this.#sys = `/sys/fs/btrfs/${fsid}`;
  }

  static async create(): Promise<Big> {
    await runCommand('sh', ['-c', FORMAT]);
    const device = await attachImage(IMAGE);
    try {
      await runCommand('mount', [device, MOUNT]);
    } finally {
      // From now on the kernel detaches it when it is unmounted.
      await detachDevice(device);
    }
    await runCommand('sh', ['-c', FILL]);
    return new Big((await runCommand('findmnt', ['-no', 'UUID', MOUNT])).trim());
  }

  async operation(): Promise<string> {
    return (await readFile(`${this.#sys}/exclusive_operation`, 'utf8')).trim();
  }

  async startBalance(): Promise<void> {
    this.#start('balance', 'start', '--full-balance', MOUNT);
    await this.until('balance');
  }

  async startScrub(): Promise<void> {
    await writeFile(`${this.#sys}/devinfo/1/scrub_speed_max`, '2M');
    const scrub = this.#start('scrub', 'start', '-B', MOUNT);
    while (!(await isIn(scrub.pid, SCRUB))) {
      await delay(10);
    }
  }

  /** Whether it came to that; false if it is over before. */
  async until(operation: string, isOver: () => boolean = () => false): Promise<boolean> {
    while ((await this.operation()) !== operation) {
      if (isOver()) {
        return false;
      }
      await delay(10);
    }
    return true;
  }

  #start(...args: readonly string[]): ChildProcess {
    const started = spawn('btrfs', args, { stdio: 'ignore' });
    this.#started.push(started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await cancelBalance(MOUNT);
    await tryCommand('btrfs', ['scrub', 'cancel', MOUNT]);
    await Promise.all(
      this.#started.map((it) => (it.exitCode === null ? once(it, 'exit') : undefined)),
    );
    await tryCommand('fsfreeze', ['--unfreeze', MOUNT]);
    await unmount(MOUNT);
    await rm(IMAGE);
  }
}

/** BTRFS_IOC_SCRUB */
const SCRUB = '0xc400941b';
const FIFREEZE = '0xc0045877';

/** Whether a thread of the process is in this ioctl. */
async function isIn(pid: number | undefined, request: string): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const calls = await Promise.all(
    threads.map((it) => readFile(`/proc/${pid}/task/${it}/syscall`, 'utf8').catch(() => '')),
  );
  return calls.some((call) => call.includes(request));
}

async function withKey(value: string, use: () => Promise<void>): Promise<void> {
  await mkdir('/etc/azure', { recursive: true });
  await writeFile(VM_BACKUP_CONFIGURATION_PATH, `[Flashfreeze]\nbtrfsMaintenance = ${value}\n`);
  try {
    await use();
  } finally {
    await rm(VM_BACKUP_CONFIGURATION_PATH);
  }
}

/** Its command prints what runs while everything is frozen. */
async function freeze(timeoutS = 20, started?: (pid: number | undefined) => void): Promise<Ended> {
  const fsid = (await runCommand('findmnt', ['-no', 'UUID', MOUNT])).trim();
  const look = ['cat', `/sys/fs/btrfs/${fsid}/exclusive_operation`];
  const args = ['freeze', '--timeout', `${timeoutS}`, '--mount', MOUNT, '--', ...look];
  return await flashfreeze(args, started && { started });
}

test('a balance is paused for the freeze and resumed after it', async () => {
  await using big = await Big.create();
  const plan = await duringBalance(big, () => flashfreeze(['plan']));
  assert.match(plan.stdout, `a btrfs balance runs on ${MOUNT}`);
  const doctor = await duringBalance(big, () => flashfreeze(['doctor']));
  assert.match(doctor.stdout, `! btrfs-maintenance: a btrfs balance runs on ${MOUNT}`);
  const ended = await duringBalance(big, () => freeze());
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(ended.stdout.trim(), 'balance paused');
  assert.is.not(await big.operation(), 'balance paused');
});

/** On a busy machine the balance may be over before the command's end: then there is another one. */
async function duringBalance(big: Big, command: () => Promise<Ended>): Promise<Ended> {
  for (let left = 10; ; left -= 1) {
    if ((await big.operation()) === 'none') {
      await big.startBalance();
    }
    const ended = await command();
    if ((await big.operation()) !== 'none' || left === 0) {
      return ended;
    }
  }
}

/** Kills a run that has paused a balance. If the balance was over before, there is another one, and another run. */
async function killPausingRun(big: Big): Promise<void> {
  const args = ['freeze', '--timeout', '60', '--mount', MOUNT, '--', 'sleep', '5'];
  for (let tries = 1; ; tries += 1) {
    if ((await big.operation()) === 'none') {
      await big.startBalance();
    }
    const run = spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore' });
    const exited = once(run, 'exit');
    const hasPaused = await big.until('balance paused', () => run.exitCode !== null);
    run.kill('SIGKILL');
    await exited;
    if (hasPaused && run.exitCode === null) {
      return;
    }
    assert.ok(tries < 10, 'no run has paused the balance');
  }
}

test('the next command resumes a balance that a dead run had paused', async () => {
  await using big = await Big.create();
  await killPausingRun(big);
  const next = await flashfreeze(['report', '--list']);
  assert.match(next.stderr, `resumed the btrfs balance of ${MOUNT}, which that run had paused`);
  assert.is.not(await big.operation(), 'balance paused');
});

test('a balance refuses the run if the configuration says so; the error gives the command that pauses it', async () => {
  await using big = await Big.create();
  await withKey('refuse', async () => {
    const ended = await duringBalance(big, () => freeze());
    assert.is(ended.exitCode, 125);
    assert.match(ended.stderr, 'FF_BTRFS_BUSY');
    assert.match(ended.stderr, `btrfs balance pause ${MOUNT}`);
  });
  assert.is.not(await big.operation(), 'balance paused');
});

test('a scrub refuses the run and continues; the error gives the commands that pause it', async () => {
  await using big = await Big.create();
  await big.startScrub();
  const doctor = await flashfreeze(['doctor']);
  assert.match(doctor.stdout, `✗ btrfs-maintenance: a btrfs scrub runs on ${MOUNT}`);
  const ended = await freeze();
  assert.is(ended.exitCode, 125, ended.stdout);
  assert.match(ended.stderr, `a btrfs scrub runs on ${MOUNT}`);
  assert.match(ended.stderr, `btrfs scrub cancel ${MOUNT}`);
  assert.match(ended.stderr, `btrfs scrub resume ${MOUNT}`);
  assert.is((await tryCommand('btrfs', ['scrub', 'cancel', MOUNT])).code, 0, 'was running');
  const free = await freeze();
  assert.is(free.exitCode, 0, free.stderr);
});

/** Longer than the limit of the freeze that waits for the balance. */
const BLOCKED_MS = 4_000;

/** The balance is paused only when the freeze has long been waiting for it. If it was over before, there is another one. */
async function freezeBlockedByBalance(big: Big): Promise<Ended> {
  for (let left = 10; ; left -= 1) {
    if ((await big.operation()) !== 'balance') {
      await big.startBalance();
    }
    let pid: number | undefined;
    let hasEnded = false;
    const frozen = freeze(5, (it) => {
      pid = it;
    }).finally(() => {
      hasEnded = true;
    });
    while (!hasEnded && !(await isIn(pid, FIFREEZE))) {
      await delay(10);
    }
    await Promise.race([delay(BLOCKED_MS), frozen]);
    await tryCommand('btrfs', ['balance', 'pause', MOUNT]);
    const ended = await frozen;
    if (ended.exitCode !== 0 || left === 0) {
      return ended;
    }
    await cancelBalance(MOUNT);
  }
}

test('a freeze that an operation blocks names the operation, not the processes that also wait', async () => {
  await using big = await Big.create();
  await big.startBalance();
  await withKey('ignore\nwaveLimit = 2\nretryStuckFreeze = False', async () => {
    const ended = await freezeBlockedByBalance(big);
    assert.is(ended.exitCode, 125, ended.stdout);
    assert.match(ended.stderr, `a btrfs balance runs on ${MOUNT}`);
  });
});

test.run();
