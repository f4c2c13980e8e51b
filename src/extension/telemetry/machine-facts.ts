import { readdir, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { type ProcessView, theseProcesses } from '../../system/processes.ts';

/** What telemetry reports about the machine. */
export interface MachineFacts {
  /** Empty if unknown. */
  readonly guestAgentVersion: string;
  readonly osVersion: string;
  readonly kernelVersion: string;
  /** `64bit`: of the process, which is the only kind there is. */
  readonly platformArchitecture: string;
  /** Running databases, each once, sorted. */
  readonly workloads: readonly string[];
}

/** Databases, as readers know them, by the name of their process, which the kernel cuts to 15 characters. */
const WORKLOADS: readonly (readonly [pattern: RegExp, workload: string])[] = [
  [/^mysqld$/, 'mysqld'],
  [/^mariadbd$/, 'mariadb'],
  [/^(postgres|postmaster)$/, 'postgresql'],
  [/^ora_pmon_/, 'oracle'],
  [/^mongod$/, 'mongodb'],
  [/^redis-server$/, 'redis'],
  [/^sqlservr$/, 'mssql'],
  [/^db2sysc$/, 'db2'],
  [/^hdb(index|name)serve/, 'saphana'],
  [/^clickhouse-serv/, 'clickhouse'],
];

const AGENT_DIRECTORY = /^WALinuxAgent-(\d+(?:\.\d+)*)$/;

/** Where distributions install Python packages. */
const LIBRARIES = '/usr/lib';
const PYTHON = /^python3(\.\d+)?$/;

/**
 * Reads what telemetry reports about the machine. Never rejects. Of processes it reads the names only,
 * which never blocks: a command line lies in the memory of its process, and reading that may block.
 *
 * @param libDirectory the agent's, where it keeps its own versions; an agent that has never updated itself keeps none
 */
export async function readMachineFacts(
  libDirectory: string,
  processes: ProcessView = theseProcesses,
  libraries = LIBRARIES,
): Promise<MachineFacts> {
  const [agentDirectories, installed, osRelease, workloads] = await Promise.all([
    readdir(libDirectory).catch(() => []),
    readInstalledAgent(libraries),
    readFile('/etc/os-release', 'utf8').catch(() => ''),
    readWorkloads(processes),
  ]);
  return {
    guestAgentVersion: newestAgent(agentDirectories) || installed,
    osVersion: osVersionOf(osRelease),
    kernelVersion: release(),
    platformArchitecture: '64bit',
    workloads,
  };
}

/** Version of the agent that the distribution has installed; empty if there is none. */
async function readInstalledAgent(libraries: string): Promise<string> {
  const pythons = (await readdir(libraries).catch(() => [])).filter((name) => PYTHON.test(name));
  const sources = await Promise.all(
    pythons.flatMap((python) =>
      ['dist-packages', 'site-packages'].map((packages) =>
        readFile(
          join(libraries, python, packages, 'azurelinuxagent/common/version.py'),
          'utf8',
        ).catch(() => ''),
      ),
    ),
  );
  const versions = sources.map((text) => /^AGENT_VERSION = ['"]([\d.]+)['"]/m.exec(text)?.[1]);
  return versions.find((version) => version !== undefined) ?? '';
}

async function readWorkloads(processes: ProcessView): Promise<string[]> {
  const pids = ((await processes.list('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
  const names = await Promise.all(pids.map((pid) => processes.read(`/proc/${pid}/comm`)));
  return workloadsOf(names.filter((name) => name !== undefined).map((name) => name.trimEnd()));
}

/** @param names of processes, as `/proc/<pid>/comm` has them */
export function workloadsOf(names: readonly string[]): string[] {
  const found = WORKLOADS.filter(([pattern]) => names.some((name) => pattern.test(name)));
  return found.map(([, workload]) => workload).sort();
}

/** An agent that updates itself runs the newest version that it has unpacked. */
export function newestAgent(directories: readonly string[]): string {
  const versions = directories.flatMap((name) => AGENT_DIRECTORY.exec(name)?.[1] ?? []);
  const byNumber = new Intl.Collator('en', { numeric: true });
  return versions.sort(byNumber.compare).at(-1) ?? '';
}

/** `<NAME>-<VERSION>`. @param osRelease text of os-release(5) */
export function osVersionOf(osRelease: string): string {
  if (osRelease.trim() === '') {
    return 'Unknown';
  }
  const value = (key: string): string =>
    new RegExp(`^${key}=(["']?)(.*)\\1$`, 'm').exec(osRelease)?.[2] ?? 'Unknown';
  return `${value('NAME')}-${value('VERSION')}`;
}
