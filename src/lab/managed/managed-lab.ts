import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ServiceProcess } from '../service-process.ts';
import { armCertificate, untrustedCertificate } from './certificates.ts';
import type { ManagedControlCalls, Ports } from './control.ts';
import { METADATA_ADDRESS, nameArm, takeLabAddresses } from './lab-addresses.ts';
import type {
  Grant,
  Lock,
  LoggedCall,
  MadeDisk,
  ManagedDisk,
  ManagedFaultRule,
  ManagedIdentity,
  ManagedSnapshot,
  ManagedVm,
  OperationPlan,
  Policy,
} from './model.ts';
import {
  ARM_HOSTS,
  completeOptions,
  type ManagedLabOptions,
  type ManagedOptions,
  type ManagedSetup,
} from './options.ts';

type LabProcess = ServiceProcess<ManagedControlCalls>;

/**
 * Managed disks as a VM sees them (managed-disks.md): instance metadata over HTTP and a resource manager over TLS, in
 * a process of their own, whose snapshots copy the disks' image files. Ends with the process that started it.
 */
export class ManagedLab implements AsyncDisposable {
  /** For NODE_EXTRA_CA_CERTS. */
  readonly caPath: string;
  /** Without a slash at its end. */
  readonly metadataUrl: string;
  /** Of the resource manager, without a slash at its end. */
  readonly armUrl: string;
  readonly vm: ManagedVm;
  readonly identities: readonly ManagedIdentity[];
  readonly #process: LabProcess;
  readonly #directory: string;

  private constructor(process: LabProcess, setup: ManagedSetup, ports: Ports, directory: string) {
    const { options, certificate } = setup;
    const isInLab = options.at === 'lab';
    this.#process = process;
    this.#directory = directory;
    this.caPath = certificate.caPath;
    this.vm = options.vm;
    this.identities = options.identities;
    this.metadataUrl = isInLab
      ? `http://${METADATA_ADDRESS}`
      : `http://127.0.0.1:${ports.metadata}`;
    this.armUrl = isInLab
      ? `https://${ARM_HOSTS[options.vm.environment]}`
      : `https://127.0.0.1:${ports.arm}`;
  }

  static async start(options: ManagedLabOptions): Promise<ManagedLab> {
    const image = options.disks.find(({ imagePath }) => imagePath !== undefined)?.imagePath;
    const parent = image === undefined ? tmpdir() : dirname(image);
    const directory = await mkdtemp(join(parent, 'managed-lab-'));
    const process: LabProcess = new ServiceProcess(
      'lab of managed disks',
      join(import.meta.dirname, 'process.ts'),
    );
    try {
      const setup = await completeSetup(completeOptions(options, directory), directory);
      return new ManagedLab(process, setup, await process.call('start', setup), directory);
    } catch (error) {
      await process[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** ARM id of a disk of the VM's own group. */
  diskId(name: string): string {
    return this.resourceId(`disks/${name}`);
  }

  /** @param typeAndName such as `snapshots/s1` */
  resourceId(typeAndName: string, group = this.vm.resourceGroup): string {
    return `/subscriptions/${this.vm.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute/${typeAndName}`;
  }

  addDisk(disk: ManagedDisk): Promise<undefined> {
    return this.#process.call('addDisk', disk);
  }

  removeDisk(name: string): Promise<undefined> {
    return this.#process.call('removeDisk', name);
  }

  setIdentities(identities: readonly ManagedIdentity[]): Promise<undefined> {
    return this.#process.call('setIdentities', identities);
  }

  /** These and no others; takes every `deny` back. */
  setGrants(grants: readonly Grant[]): Promise<undefined> {
    return this.#process.call('setGrants', grants);
  }

  /**
   * Takes one action away from every identity.
   *
   * @param scope default: everywhere
   */
  deny(action: string, scope = ''): Promise<undefined> {
    return this.#process.call('deny', { action, scope });
  }

  setLocks(locks: readonly Lock[]): Promise<undefined> {
    return this.#process.call('setLocks', locks);
  }

  setPolicies(policies: readonly Policy[]): Promise<undefined> {
    return this.#process.call('setPolicies', policies);
  }

  /** How operations that start from now on go: of one disk, or of all that have no plan of their own. */
  setOperation(plan: Partial<OperationPlan>, disk?: string): Promise<undefined> {
    return this.#process.call('setOperation', { plan, disk });
  }

  /** Of tokens that metadata issues from now on; none comes from its cache. */
  setTokenLifetime(seconds: number): Promise<undefined> {
    return this.#process.call('setTokenLifetime', seconds);
  }

  /** The resource manager takes no token that was issued before. */
  revokeTokens(): Promise<undefined> {
    return this.#process.call('revokeTokens', undefined);
  }

  /** In force when the promise resolves, also for connections that stand. */
  setFault(rule: ManagedFaultRule): Promise<undefined> {
    return this.#process.call('setFault', rule);
  }

  clearFaults(): Promise<undefined> {
    return this.#process.call('clearFaults', undefined);
  }

  /** Cuts every connection to the resource manager. */
  cutConnections(): Promise<undefined> {
    return this.#process.call('cutConnections', undefined);
  }

  /** From now on the name of the resource manager leads nowhere; with `at: 'lab'` only. */
  hideArmName(): void {
    nameArm(new URL(this.armUrl).hostname, false);
  }

  /** Nothing listens there any more. */
  stop(service: 'metadata' | 'arm'): Promise<undefined> {
    return this.#process.call('stop', service);
  }

  /**
   * Every request to either service, in order of arrival.
   *
   * @param sinceNs only what came from then on (CLOCK_MONOTONIC); default: since the start
   */
  requests(sinceNs = 0n): Promise<readonly LoggedCall[]> {
    return this.#process.call('requests', sinceNs);
  }

  /** Snapshots in the order they were asked for; then the disks of every restore point. */
  snapshots(): Promise<readonly ManagedSnapshot[]> {
    return this.#process.call('snapshots', undefined);
  }

  /** By name: they are asked for at once, so their order is chance. */
  madeDisks(): Promise<readonly MadeDisk[]> {
    return this.#process.call('madeDisks', undefined);
  }

  /** As if another program did it. */
  endAccess(snapshot: string): Promise<undefined> {
    return this.#process.call('endAccess', snapshot);
  }

  /** Names of the snapshots whose content a SAS still lets be read. */
  openAccesses(): Promise<readonly string[]> {
    return this.#process.call('openAccesses', undefined);
  }

  /** Behind the client's back. */
  deleteSnapshot(id: string): Promise<undefined> {
    return this.#process.call('deleteSnapshot', id);
  }

  /** What no honest client does; must be empty. */
  violations(): Promise<readonly string[]> {
    return this.#process.call('violations', undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function completeSetup(options: ManagedOptions, directory: string): Promise<ManagedSetup> {
  const isInLab = options.at === 'lab';
  if (isInLab) {
    await takeLabAddresses(ARM_HOSTS[options.vm.environment]);
  }
  const [certificate, untrusted] = await Promise.all([
    armCertificate(join(directory, 'trusted')),
    untrustedCertificate(join(directory, 'untrusted')),
  ]);
  return {
    ...{ options, certificate, untrusted },
    metadataAddress: isInLab
      ? { host: METADATA_ADDRESS, port: 80 }
      : { host: '127.0.0.1', port: 0 },
    armAddress: { host: '127.0.0.1', port: isInLab ? 443 : 0 },
  };
}
