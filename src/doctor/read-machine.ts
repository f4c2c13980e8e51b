import { access, constants, readdir, readFile, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { release } from 'node:os';
import { readAnsweringPlan } from '../backup/answering-plan.ts';
import { maintenanceOf, openedIn } from '../backup/btrfs-maintenance.ts';
import { GRACE_PERIODS_PATH } from '../backup/journal/journal.ts';
import { leftFrozen } from '../backup/journal/recover.ts';
import { readManifestContainer } from '../config/manifest-container.ts';
import {
  DEFAULT_VM_BACKUP_CONFIGURATION,
  readVmBackupConfiguration,
  VM_BACKUP_CONFIGURATION_PATH,
  type VmBackupConfiguration,
} from '../config/vmbackup.ts';
import { readWaagentConfiguration } from '../config/waagent.ts';
import { FlashfreezeError } from '../errors.ts';
import { checkParts } from '../extension/self-check.ts';
import { forbiddenByPolicy } from '../filesystems/security-policy.ts';
import type { QuiescePlan } from '../quiesce/quiesce-types.ts';
import { QUIESCE_PATHS, readQuiesceConfiguration } from '../quiesce/read-configuration.ts';
import { lookAtScripts } from '../quiesce/scripts/scripts.ts';
import type { GivenBlob } from '../snapshot/blob/blob.ts';
import { DEFAULT_HOST_ADDRESS } from '../snapshot/host/address.ts';
import { machineAuthorities } from '../snapshot/http/authorities.ts';
import { isAzureVm } from '../system/azure-vm-id.ts';
import { seesOnlyOwnControlGroups, seesOnlyOwnProcesses } from '../system/container.ts';
import { FileLock, FREEZE_LOCK_PATH } from '../system/file-lock.ts';
import { readClock } from '../system/read-clock.ts';
import { firstLineOf, outputOf } from '../system/run-program.ts';
import type { LockState, MachineFacts, QuiesceFacts } from './doctor-types.ts';
import { messageOf, readBlobs } from './read-blobs.ts';
import type { ManagedQuestion } from './read-managed.ts';
import { readLogFolder, readMetricsFile, readPlaces } from './read-places.ts';
import { readNextRun } from './read-schedule.ts';

const HOST_PORT = 80;
const HOST_LIMIT_MS = 2_000;
const LOCK_WAIT_MS = 50;
/** Permission daemons are not listed here: they are found by their descriptors. */
const PROGRAMS = new Set(['auditd']);
const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy'];

/** What the machine is examined for. */
export interface Question {
  readonly blobs: readonly GivenBlob[];
  readonly managed: ManagedQuestion | undefined;
  /** When the snapshot starts that the SAS of the blobs must outlast; undefined: as systemd's timer says. */
  readonly startAt: Date | undefined;
}

/** Reads the facts about the machine; freezes nothing and changes nothing. Never rejects. */
export async function readMachine({ blobs, managed, startAt }: Question): Promise<MachineFacts> {
  const status = await text('/proc/self/status');
  const { plan, maintenance, forbidden } = await readFileSystems();
  const { metricsFile } = configured();
  const isVm = await isAzureVm();
  const agent = readWaagentConfiguration();
  const { source, problem } = machineAuthorities();
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
    forbidden,
    canExpedite: await may(GRACE_PERIODS_PATH, constants.W_OK),
    lock: await lockState(),
    leftFrozen: await leftFrozen(),
    programs: await runningPrograms(),
    auditBacklog: await auditBacklog(),
    logFolder: await readLogFolder(
      'error' in plan ? [] : plan.fileSystems.map(({ device }) => device),
    ),
    places: await readPlaces(metricsFile),
    metricsFile: await readMetricsFile(metricsFile),
    clock: await readClock(),
    openssl: await firstLineOf('openssl', ['version']),
    isAzureVm: isVm,
    hostProblem: isVm ? await connectProblem(DEFAULT_HOST_ADDRESS, HOST_PORT) : undefined,
    agentRunsExtensions: agent.runsExtensions,
    authorities: { source, problem },
    proxies: proxies(agent.proxy),
    ...readConfiguration(agent.warnings),
    nextRun: startAt === undefined ? await readNextRun() : { at: startAt, by: '--at' },
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

async function readFileSystems(): Promise<
  Pick<MachineFacts, 'plan' | 'maintenance' | 'forbidden'>
> {
  const { mountsToSkip: skip, btrfsMaintenance } = configured();
  try {
    using answering = await readAnsweringPlan({ include: [], skip });
    return {
      plan: answering.plan,
      maintenance: await maintenanceOf(answering, btrfsMaintenance),
      forbidden: forbiddenByPolicy(openedIn(answering)),
    };
  } catch (error) {
    return { plan: { error: messageOf(error) }, maintenance: [], forbidden: [] };
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
  const files = ['/.dockerenv', '/run/.containerenv', '/run/systemd/container'];
  const signs: readonly (readonly [sign: string, isThere: Promise<boolean>])[] = [
    ...files.map((path) => [path, may(path, constants.F_OK)] as const),
    ['it sees only a part of the control groups', seesOnlyOwnControlGroups()],
    ['it sees only a part of the processes', seesOnlyOwnProcesses()],
  ];
  const found = await Promise.all(signs.map(([, isThere]) => isThere));
  return signs[found.indexOf(true)]?.[0];
}

async function sharesMountsWithInit(): Promise<boolean | undefined> {
  const [own, init] = await Promise.all(
    ['self', '1'].map((pid) => readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined)),
  );
  return init === undefined ? undefined : own === init;
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

function connectProblem(host: string, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host, port, timeout: HOST_LIMIT_MS });
  socket.on('connect', () => resolve(undefined));
  socket.on('timeout', () => resolve(`no answer within ${HOST_LIMIT_MS} ms`));
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  return promise.finally(() => socket.destroy());
}

/** Names only: a proxy's URL may hold a password. */
function proxies(agentsProxy: string | undefined): string[] {
  const variables = PROXY_VARIABLES.flatMap((name) => [name, name.toUpperCase()]);
  return [
    ...variables.filter((name) => (process.env[name] ?? '') !== ''),
    ...(agentsProxy === undefined ? [] : ['/etc/waagent.conf']),
  ];
}

/** `backlog_limit 8192` */
async function auditBacklog(): Promise<number | undefined> {
  const limit = /^backlog_limit (\d+)$/m.exec((await outputOf('auditctl', ['-s'])) ?? '')?.[1];
  return limit === undefined ? undefined : Number(limit);
}

function readConfiguration(
  agentWarnings: readonly string[],
): Pick<MachineFacts, 'configurationProblems' | 'quiesce'> {
  try {
    const { configuration, warnings } = readVmBackupConfiguration();
    const plan = readQuiesceConfiguration(QUIESCE_PATHS, configuration);
    return {
      configurationProblems: [
        ...warnings,
        ...manifestContainerProblems(configuration),
        ...(plan?.warnings ?? []),
        ...agentWarnings,
      ].map((problem) => ({ problem, isGrave: false })),
      quiesce: lookAtQuiesce(plan),
    };
  } catch (error) {
    const problem = messageOf(error) || VM_BACKUP_CONFIGURATION_PATH;
    return { configurationProblems: [{ problem, isGrave: true }], quiesce: NOTHING_QUIESCED };
  }
}

const NOTHING_QUIESCED = { scripts: [], findings: [], remarks: [] };

function lookAtQuiesce(plan: QuiescePlan | undefined): QuiesceFacts {
  switch (plan?.kind) {
    case 'scripts': {
      const { paths, findings, remarks } = lookAtScripts(plan);
      return { scripts: paths, findings, remarks };
    }
    case 'refused':
      return { ...NOTHING_QUIESCED, findings: plan.findings };
    default:
      return NOTHING_QUIESCED;
  }
}

/** A run would only warn of it, after the snapshots. */
function manifestContainerProblems({ manifestContainerFile }: VmBackupConfiguration): string[] {
  const read =
    manifestContainerFile === undefined ? undefined : readManifestContainer(manifestContainerFile);
  return read === undefined || read.ok ? [] : [`manifestContainerFile: ${read.message}`];
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
