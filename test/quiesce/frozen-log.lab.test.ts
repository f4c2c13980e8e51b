import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { lockApplications } from '../../src/backup/application-lock.ts';
import type { RequestFault } from '../../src/lab/blob-server/model.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { FileLock } from '../../src/system/file-lock.ts';
import { Rig } from '../commands/rig.ts';
import { Watchdog } from '../deadlock/watchdog.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { untilRequested } from '../faults/watch-requests.ts';
import { suite } from '../suite.ts';
import { ScriptFiles } from './scripts/script-files.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('a log on a file system that another tool has frozen');
const WATCHDOG_S = 60;
const POLL_MS = 20;
const NEVER: RequestFault = { kind: 'no-answer', handled: true };

/** The file system of the log, which the run leaves out. A watchdog thaws it, whatever happens to the test. */
class LogDisk implements AsyncDisposable {
  readonly mountPoint: string;
  readonly #watchdog: Watchdog;

  constructor(mountPoint: string) {
    this.mountPoint = mountPoint;
    this.#watchdog = new Watchdog(WATCHDOG_S, [], [mountPoint]);
  }

  get path(): string {
    return join(this.mountPoint, 'err');
  }

  get hasRunOut(): boolean {
    return !this.#watchdog.isAsleep;
  }

  async freeze(): Promise<void> {
    await runCommand('fsfreeze', ['--freeze', this.mountPoint]);
  }

  /** Fails if the file system is not frozen. */
  async thaw(): Promise<void> {
    await runCommand('fsfreeze', ['--unfreeze', this.mountPoint]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await tryCommand('fsfreeze', ['--unfreeze', this.mountPoint]);
    await this.#watchdog[Symbol.asyncDispose]();
  }
}

function traceOf(files: ScriptFiles): string {
  return existsSync(files.trace) ? readFileSync(files.trace, 'utf8').trim() : '';
}

async function untilTraced(words: string, files: ScriptFiles, disk: LogDisk): Promise<void> {
  while (traceOf(files) !== words && !disk.hasRunOut) {
    await delay(POLL_MS);
  }
  assert.is(traceOf(files), words);
}

/** Fails if the run still holds a lock when it has released the application. */
async function takeLocks(disk: LogDisk): Promise<void> {
  using freezeLock = await FileLock.acquire();
  let applicationLock = await lockApplications();
  while (applicationLock === undefined && !disk.hasRunOut) {
    await delay(POLL_MS);
    applicationLock = await lockApplications();
  }
  using held = applicationLock;
  assert.ok(freezeLock && held, 'a lock is still held');
}

interface Scene {
  readonly rig: Rig;
  readonly command: RunningCommand;
  readonly files: ScriptFiles;
  readonly disk: LogDisk;
}

interface Case {
  readonly name: string;
  readonly plugin: (files: ScriptFiles, disk: LogDisk) => Readonly<Record<string, unknown>>;
  /** The window lasts until its time-out, because the snapshot request is not answered. */
  readonly prolongs?: true;
  /** Carried out while the command runs. */
  readonly meanwhile?: (scene: Scene) => Promise<void>;
  readonly trace: string;
  readonly exitCode: number;
  /** What the log has once its file system is thawed. */
  readonly logged: string;
}

const CASES: readonly Case[] = [
  {
    name: 'in the pre-script',
    plugin: (files, disk) => ({
      preScriptLocation: files.script('p', `fsfreeze --freeze ${disk.mountPoint}; trace pre`),
    }),
    trace: 'pre\npost',
    exitCode: 0,
    logged: 'resume took',
  },
  {
    name: 'in a pre-script that ends the run',
    plugin: (files, disk) => ({
      preScriptLocation: files.script('p', `fsfreeze --freeze ${disk.mountPoint}; exit 3`),
      continueBackupOnFailure: false,
    }),
    trace: 'post',
    exitCode: 1,
    logged: 'FF_QUIESCE_FAILED',
  },
  {
    name: 'in a pre-script that a signal ends',
    plugin: (files, disk) => ({
      preScriptLocation: files.script(
        'p',
        `fsfreeze --freeze ${disk.mountPoint}; trace pre; sleep 1000`,
      ),
    }),
    meanwhile: async ({ command, files, disk }) => {
      await untilTraced('pre', files, disk);
      command.signal('SIGTERM');
    },
    trace: 'pre\npost',
    exitCode: 143,
    logged: 'FF_INTERRUPTED',
  },
  {
    name: 'in the window',
    plugin: () => ({}),
    prolongs: true,
    meanwhile: async ({ rig, command, disk }) => {
      await untilRequested(rig.server, command, ({ operation }) => operation === 'snapshot');
      await disk.freeze();
    },
    trace: 'pre\npost',
    exitCode: 1,
    logged: 'resume took',
  },
];

/** The command with its output on the log's file system. Its one disk is the first of the rig. */
function start(rig: Rig, files: ScriptFiles, disk: LogDisk, plugin: string): RunningCommand {
  const output = openSync(disk.path, 'a');
  try {
    const { pluginHost } = files.host([plugin]);
    const [url = ''] = rig.server.urls;
    return RunningCommand.start(
      [
        ...['snapshot', '--blob', url, '--skip', disk.mountPoint],
        ...['--plugin-host', pluginHost, '--timeout', '5'],
      ],
      { output },
    );
  } finally {
    closeSync(output);
  }
}

for (const { name, plugin, prolongs, meanwhile, trace, exitCode, logged } of CASES) {
  test(`frozen ${name}: the application is released and the locks are free before the log can be written`, async () => {
    await using rig = await Rig.create([{ type: 'ext4' }, { type: 'ext4' }]);
    await using disk = new LogDisk(rig.disks.disks[1]?.mountPoint ?? '');
    const files = new ScriptFiles();
    if (prolongs === true) {
      await rig.server.setFault({ blob: 'disk0', at: 'request', fault: NEVER });
    }
    using command = start(rig, files, disk, files.usual(plugin(files, disk)));
    await meanwhile?.({ rig, command, files, disk });
    await untilTraced(trace, files, disk);
    await takeLocks(disk);
    await disk.thaw();
    const ending = await command.ended;
    const written = readFileSync(disk.path, 'utf8');
    assert.is(ending.exitCode, exitCode, written);
    assert.match(written, 'quiesce: run the pre-scripts');
    assert.match(written, logged);
  });
}

test.run();
