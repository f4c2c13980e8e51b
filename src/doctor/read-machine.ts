import { spawn } from 'node:child_process';
import { access, constants, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { readAnsweringPlan } from '../backup/answering-plan.ts';
import { maintenanceOf } from '../backup/btrfs-maintenance.ts';
import { GRACE_PERIODS_PATH } from '../backup/journal/journal.ts';
import { leftFrozen } from '../backup/journal/recover.ts';
import {
  DEFAULT_VM_BACKUP_CONFIGURATION,
  readVmBackupConfiguration,
  VM_BACKUP_CONFIGURATION_PATH,
  type VmBackupConfiguration,
} from '../config/vmbackup.ts';
import { readWaagentConfiguration } from '../config/waagent.ts';
import { FlashfreezeError } from '../errors.ts';
import { checkParts } from '../extension/self-check.ts';
import { QUIESCE_PATHS, readQuiesceConfiguration } from '../quiesce/read-configuration.ts';
import { RUN_FOLDER } from '../report/run-folder.ts';
import type { GivenBlob } from '../snapshot/blob/blob.ts';
import { DEFAULT_HOST_ADDRESS } from '../snapshot/host/address.ts';
import type { DeviceNumber } from '../system/device-number.ts';
import { deviceNumber } from '../system/device-number.ts';
import { reasonOf } from '../system/errno.ts';
import { FileLock, FREEZE_LOCK_PATH } from '../system/file-lock.ts';
import { readClock } from '../system/read-clock.ts';
import type { LockState, MachineFacts } from './doctor-types.ts';
import { messageOf, readBlobs } from './read-blobs.ts';
import type { ManagedQuestion } from './read-managed.ts';

const HOST_PORT = 80;
const HOST_LIMIT_MS = 2_000;
const COMMAND_LIMIT_MS = 5_000;
const LOCK_WAIT_MS = 50;
/** Permission daemons are not listed here: they are found by their descriptors. */
const PROGRAMS = new Set(['auditd']);
const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy'];

/** Reads the facts about the machine; freezes nothing and changes nothing. Never rejects. */
export async function readMachine(
  blobs: readonly GivenBlob[],
  managed: ManagedQuestion | undefined,
): Promise<MachineFacts> {
  const status = await text('/proc/self/status');
  const { plan, maintenance } = await readFileSystems();
  return {
    isRoot: process.geteuid?.() === 0,
    effectiveCapabilities: /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1],
    uidMap: await text('/proc/self/uid_map'),
    kernelRelease: release(),
    container: await container(),
    sharesMountsWithInit: await sharesMountsWithInit(),
    brokenPart: await checkParts().then(() => undefined, messageOf),
    plan,
    maintenance,
    canExpedite: await may(GRACE_PERIODS_PATH, constants.W_OK),
    lock: await lockState(),
    leftFrozen: await leftFrozen(),
    programs: await runningPrograms(),
    logFolder: await logFolder('error' in plan ? [] : plan.fileSystems.map(({ device }) => device)),
    clock: await readClock(),
    openssl: await firstLine('openssl', ['version']),
    hostProblem: await connectProblem(DEFAULT_HOST_ADDRESS, HOST_PORT),
    proxies: proxies(),
    configurationProblems: configurationProblems(),
    ...(await readBlobs(blobs, 'error' in plan ? undefined : plan)),
    managed: managed === undefined ? undefined : await lookAtManaged(managed, plan),
  };
}

async function lookAtManaged(
  question: ManagedQuestion,
  plan: MachineFacts['plan'],
): Promise<MachineFacts['managed']> {
  // Loaded only here: it imports everything about managed disks.
  const { readManaged } = await import('./read-managed.ts');
  return await readManaged(question, 'error' in plan ? undefined : plan);
}

async function readFileSystems(): Promise<Pick<MachineFacts, 'plan' | 'maintenance'>> {
  const { mountsToSkip: skip, btrfsMaintenance } = configured();
  try {
    using answering = await readAnsweringPlan({ include: [], skip });
    return {
      plan: answering.plan,
      maintenance: await maintenanceOf(answering, btrfsMaintenance),
    };
  } catch (error) {
    return { plan: { error: messageOf(error) }, maintenance: [] };
  }
}

function configured(): VmBackupConfiguration {
  try {
    return readVmBackupConfiguration().configuration;
  } catch {
    // `configurationProblems` reports the error.
    return DEFAULT_VM_BACKUP_CONFIGURATION;
  }
}

async function container(): Promise<string | undefined> {
  const signs = ['/.dockerenv', '/run/.containerenv', '/run/systemd/container'];
  const found = await Promise.all(signs.map((path) => may(path, constants.F_OK)));
  return signs[found.indexOf(true)];
}

async function sharesMountsWithInit(): Promise<boolean> {
  const [own, init] = await Promise.all(
    ['self', '1'].map((pid) => readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined)),
  );
  return init === undefined || own === init;
}

/** Does not make the lock file if it is missing: then no process holds the lock. */
async function lockState(): Promise<LockState> {
  if (!(await may(FREEZE_LOCK_PATH, constants.F_OK))) {
    return { kind: 'free' };
  }
  try {
    using _lock = await FileLock.acquire({ waitMs: LOCK_WAIT_MS });
    return { kind: 'free' };
  } catch (error) {
    const isHeld = error instanceof FlashfreezeError && error.code === 'FF_LOCK_TIMEOUT';
    return { kind: isHeld ? 'held' : 'unusable', message: messageOf(error) };
  }
}

async function runningPrograms(): Promise<string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const names = await Promise.all(pids.map((pid) => text(`/proc/${pid}/comm`)));
  return [...new Set(names.map((name) => (name ?? '').trim()))].filter((it) => PROGRAMS.has(it));
}

async function logFolder(frozen: readonly DeviceNumber[]): Promise<MachineFacts['logFolder']> {
  const path = RUN_FOLDER;
  try {
    const existing = await nearestExisting(path);
    await access(existing, constants.W_OK);
    const device = deviceNumber((await stat(existing, { bigint: true })).dev);
    return { path, isFrozen: frozen.includes(device) };
  } catch (error) {
    const problem = reasonOf(error);
    return { path, isFrozen: false, problem };
  }
}

/** The path itself, or the nearest folder above it that exists. */
async function nearestExisting(path: string): Promise<string> {
  const exists = path === '/' || (await may(path, constants.F_OK));
  return exists ? path : await nearestExisting(dirname(path));
}

/** The first line that a program prints; undefined if it does not start or ends with an error. */
function firstLine(program: string, args: readonly string[]): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: COMMAND_LIMIT_MS,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  child.on('error', () => resolve(undefined));
  child.on('close', (code) => resolve(code === 0 ? output.split('\n')[0] : undefined));
  return promise;
}

function connectProblem(host: string, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host, port, timeout: HOST_LIMIT_MS });
  socket.on('connect', () => resolve(undefined));
  socket.on('timeout', () => resolve(`no answer within ${HOST_LIMIT_MS} ms`));
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  return promise.finally(() => socket.destroy());
}

/** Names only: a proxy's URL may hold a password. */
function proxies(): string[] {
  const variables = PROXY_VARIABLES.flatMap((name) => [name, name.toUpperCase()]);
  return [
    ...variables.filter((name) => (process.env[name] ?? '') !== ''),
    ...(readWaagentConfiguration().proxy === undefined ? [] : ['/etc/waagent.conf']),
  ];
}

function configurationProblems(): MachineFacts['configurationProblems'] {
  try {
    const { configuration, warnings } = readVmBackupConfiguration();
    const quiesce = readQuiesceConfiguration(QUIESCE_PATHS, configuration);
    const findings = quiesce === undefined || !('findings' in quiesce) ? [] : quiesce.findings;
    return [
      ...[...warnings, ...(quiesce?.warnings ?? []), ...readWaagentConfiguration().warnings].map(
        (problem) => ({ problem, isGrave: false }),
      ),
      ...findings.map(({ code, message }) => ({
        problem: `${message} (code ${code})`,
        isGrave: true,
      })),
    ];
  } catch (error) {
    return [{ problem: messageOf(error) || VM_BACKUP_CONFIGURATION_PATH, isGrave: true }];
  }
}

async function text(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined);
}

async function may(path: string, mode: number): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}
