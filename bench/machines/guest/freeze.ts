/** The first boot: what the machine is, a freeze and a snapshot while writers write on every file system. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { constants, release, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DoctorReport } from '../../../src/doctor/doctor-types.ts';
import { runCommand, tryCommand } from '../../../src/lab/run-command.ts';
import { Writers } from '../../proof/writers.ts';
import type { SeenPlan } from '../comparison.ts';
import type { Operation } from '../machine.ts';
import { MACHINES } from '../machines.ts';
import { readDiskNames, type SeenDisks } from '../qemu/disk-names.ts';
import type { CommandEnd, Frozen, Order, Seen } from '../stages.ts';
import type { Lsblk, Lvs } from '../truth.ts';

const FLASHFREEZE = '/opt/flashfreeze/flashfreeze';
const LOOK_MS = 100;
const DOCTOR_LOOKS = 3;

const order: Order = JSON.parse(readFileSync('/host/order.json', 'utf8'));

async function json<Shape>(program: string, ...args: string[]): Promise<Shape> {
  const { code, stdout, stderr } = await tryCommand(program, args);
  if (code !== 0) {
    throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}`);
  }
  return JSON.parse(stdout);
}

async function arrays(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync('/sys/block').filter((it) => /^md/.test(it))) {
    const { stdout } = await tryCommand('mdadm', ['--detail', '--export', `/dev/${name}`]);
    found[name] = stdout;
  }
  return found;
}

function diskNames(): Record<string, string> {
  const folder = '/run/udev/data';
  const database = readdirSync(folder).filter((name) => name.startsWith('b'));
  return readDiskNames(
    new Map(database.map((name) => [name, readFileSync(join(folder, name), 'utf8')])),
    new Map(
      readdirSync('/sys/block').map((name) => [
        readFileSync(`/sys/block/${name}/dev`, 'utf8').trim(),
        name,
      ]),
    ),
  );
}

function flashfreeze(...args: string[]): Promise<CommandEnd> {
  process.stdout.write(`flashfreeze ${args[0]}\n`);
  return tryCommand(FLASHFREEZE, args);
}

/** Until every chain has been round all places once more. */
async function letWrite(writers: Writers): Promise<void> {
  const counts = await writers.go();
  const enough = counts.map(
    (durable, index) => durable + (order.chains[index]?.places.length ?? 0),
  );
  while ((await writers.report()).some((durable, index) => durable < (enough[index] ?? 0))) {
    await sleep(LOOK_MS);
  }
}

/** A write that does not return ends this process only by the time limit of the boot: so it is told before it is tried. */
function writeEverywhere(): void {
  for (const { at } of order.fileSystems) {
    process.stdout.write(`writing on ${at}\n`);
    const fd = openSync(join(at, 'after'), 'w');
    writeSync(fd, 'thawed');
    fsyncSync(fd);
    closeSync(fd);
  }
}

async function operate(step: 'begin' | 'show' | 'end', name: string): Promise<string> {
  process.stdout.write(`${name}: ${step}\n`);
  const script = '/repo/bench/machines/guest/operate.sh';
  return (await runCommand('sh', [script, step, name])).trim();
}

/** An operation may be a row of short calls: doctor looks again if it has looked between two. */
async function beginOperation(
  name: string,
  { foretold }: Operation,
): Promise<Pick<Seen, 'states' | 'warnings'>> {
  await operate('begin', name);
  const state = await operate('show', name);
  let warnings = await warningsOfDoctor();
  const isTold = (): boolean => warnings.some(({ id }) => id === foretold);
  for (let looks = 1; foretold !== undefined && !isTold() && looks < DOCTOR_LOOKS; looks += 1) {
    warnings = await warningsOfDoctor();
  }
  return { states: [state], warnings };
}

async function warningsOfDoctor(): Promise<Seen['warnings']> {
  const { stdout } = await flashfreeze('doctor', '--json');
  const { checks }: DoctorReport = JSON.parse(stdout);
  const warnings = checks.filter(({ status }) => status !== 'ok');
  return warnings.map(({ id, finding }) => ({ id, finding }));
}

const facts = {
  release: release(),
  plan: await json<SeenPlan & SeenDisks>(FLASHFREEZE, 'plan', '--json'),
  lsblk: await json<Lsblk>(
    'lsblk',
    ...['--json', '--inverse', '--bytes', '-o', 'NAME,KNAME,TYPE,FSTYPE,MOUNTPOINTS'],
  ),
  lvs: await json<Lvs>(
    'lvs',
    ...[
      '--all',
      '--reportformat',
      'json',
      '-o',
      'vg_name,lv_name,devices,metadata_lv,pool_lv,origin',
    ],
  ),
  md: await arrays(),
  names: diskNames(),
};
if (order.record) {
  await runCommand(process.execPath, ['/repo/test/filesystems/record.ts', '/host/recorded']);
}
const places = order.fileSystems.map(({ at }) => ({ mountPoint: at }));
// On an emulated processor the program's own deadlines come first.
setPriority(constants.priority.PRIORITY_LOW);
await using writers = Writers.start(order.chains, places);
setPriority(constants.priority.PRIORITY_NORMAL);
await letWrite(writers);
const freeze = await flashfreeze('freeze', '--', 'true');
await letWrite(writers);
const name = process.env.FF_MACHINE ?? '';
const operation = MACHINES.find((it) => it.name === name)?.operation;
const seen = operation === undefined ? undefined : await beginOperation(name, operation);
const before = await writers.report();
const startMs = performance.now();
const snapshot = await flashfreeze(
  'snapshot',
  '--json',
  '--strict-match',
  '--blobs-from',
  '/host/blobs',
);
const runMs = performance.now() - startMs;
const states = seen === undefined ? [] : [...seen.states, await operate('show', name)];
const after = await writers.rest();
writeEverywhere();
if (seen !== undefined) {
  states.push(await operate('end', name), await operate('show', name));
}
await runCommand('cp', ['-r', '/var/log/flashfreeze/runs', '/host/runs']);
const frozen: Frozen = {
  ...{ ...facts, freeze, snapshot, before, after },
  ...(seen !== undefined && { seen: { ...seen, states, runMs } }),
};
writeFileSync('/host/frozen.json', JSON.stringify(frozen));
