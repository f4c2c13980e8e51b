import { type Command, InvalidArgumentError, Option } from 'commander';
import { FIRE_RULES } from '../src/config/vmbackup.ts';
import { PROBE_WRITES, type ProbeOptions, type ProbeWrites } from './probe/stall-probe.ts';
import { FILE_SYSTEM_MIXES, type FileSystemMix, type RigOptions } from './rig.ts';

/** What a rig is made by. */
export interface RigScenarioOptions {
  readonly latency: number;
  readonly fileSystems: FileSystemMix;
  readonly probeInterval?: number;
  readonly probeWrites: ProbeWrites;
}

/** The same for a scenario that measures in rounds. */
export interface LabScenarioOptions extends RigScenarioOptions {
  readonly rounds: number;
  readonly quiet?: number;
}

const MAX_DISKS = 256;

export function addRigOptions(command: Command): void {
  command
    .option('--latency <ms>', 'of the server, from request to answer', milliseconds, 20)
    .addOption(
      new Option('--file-systems <type>', 'mixed = ext4, xfs and btrfs in turn')
        .choices(FILE_SYSTEM_MIXES)
        .default('ext4'),
    )
    .option(
      '--probe-interval <µs>',
      'time between two writes of the stall probe to a file; default: 500, more above 32 files',
      count,
    )
    .addOption(
      new Option(
        '--probe-writes <kind>',
        'data = 8 bytes; empty = no bytes, which leaves nothing to flush',
      )
        .choices(PROBE_WRITES)
        .default('data'),
    );
}

export function addLabOptions(command: Command, defaults: { rounds: number }): void {
  command
    .option('--rounds <count>', 'measured rounds, after one for warm-up', count, defaults.rounds)
    .option(
      '--quiet <share>',
      'before each run, wait for the machine to be no busier than this (0 to 1), half a minute at most',
      share,
    );
  addRigOptions(command);
}

/** Of a scenario that measures one number of disks after the other. */
export function addDiskCountsOption(command: Command, defaults: readonly number[]): void {
  command.option('--disks <counts>', 'numbers of disks, one after the other', diskCounts, [
    ...defaults,
  ]);
}

export function addFireOption(command: Command): void {
  command.addOption(
    new Option('--fire <rule>', 'when requests leave; default: the product’s').choices(FIRE_RULES),
  );
}

export function rigOptions(options: RigScenarioOptions, disks: number): RigOptions {
  return {
    disks,
    fileSystems: options.fileSystems,
    latencyMs: options.latency,
    probe: probeOptions(options, disks),
  };
}

const PROBE_INTERVAL_US = 500;
/** So many files can be written to that often without taking a processor from what is measured. */
const PROBED_AT_EASE = 32;

export function probeOptions(options: RigScenarioOptions, files: number): ProbeOptions {
  const crowded = Math.max(1, files / PROBED_AT_EASE);
  const intervalUs = options.probeInterval ?? Math.round(PROBE_INTERVAL_US * crowded);
  return { intervalUs, writes: options.probeWrites };
}

/** A whole number from 1 on. Throws InvalidArgumentError, which commander reports. */
export function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) {
    throw new InvalidArgumentError('Expected a whole number from 1 on.');
  }
  return Number(text);
}

export function milliseconds(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) {
    throw new InvalidArgumentError('Expected milliseconds, e.g. 20.');
  }
  return Number(text);
}

export function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) {
    throw new InvalidArgumentError('Expected a share of more than 0 and at most 1, e.g. 0.4.');
  }
  return value;
}

export function diskCount(text: string): number {
  const disks = count(text);
  if (disks > MAX_DISKS) {
    throw new InvalidArgumentError(`The lab has at most ${MAX_DISKS} disks.`);
  }
  return disks;
}

/** `4,16,64` */
export function diskCounts(text: string): number[] {
  return text.split(',').map(diskCount);
}

/** `1:2000` = one disk answers after 2,000 ms. */
export function slowDisks(text: string): SlowDisks {
  const [, disks, ms] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (disks === undefined || ms === undefined) {
    throw new InvalidArgumentError('Expected <disks>:<ms>, e.g. 1:2000.');
  }
  return { disks: count(disks), latencyMs: Number(ms) };
}

export interface SlowDisks {
  readonly disks: number;
  readonly latencyMs: number;
}
