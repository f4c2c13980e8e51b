/** The second boot: the disks are the snapshots, the last one that of the OS disk. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runCommand, tryCommand } from '../../../src/lab/run-command.ts';
import { readHolding } from '../../proof/chain-files.ts';
import type { Observation } from '../../proof/cut.ts';
import type { PlaceFinding } from '../../proof/snapshot-check.ts';
import { describeVerdict, judgeSnapshot, type Progress } from '../../proof/verdict.ts';
import type { MachineFileSystem } from '../machine.ts';
import type { Checked, Order } from '../stages.ts';
import { inspectFileSystem, mountOptions } from './inspect.ts';

const order: Order = JSON.parse(readFileSync('/host/order.json', 'utf8'));
const progress: Progress = JSON.parse(readFileSync('/host/frozen.json', 'utf8'));

async function check(fileSystem: MachineFileSystem, place: number): Promise<PlaceFinding> {
  const { at } = fileSystem;
  const under = await blockDevice(fileSystem);
  const state = await inspectFileSystem(fileSystem, under);
  const observations = await read(fileSystem, under, place, state.kind === 'clean');
  process.stdout.write(`${at}: ${state.kind}\n`);
  return { place, state, observations };
}

async function blockDevice({ device, sectorBytes = 512 }: MachineFileSystem): Promise<string> {
  const sectors = ['--sector-size', String(sectorBytes)];
  return device.startsWith('/dev/')
    ? device
    : await runCommand('losetup', ['--find', '--show', '--read-only', ...sectors, device]);
}

/** It stays mounted, for the images on it. If it cannot be mounted, every chain is damaged there. */
async function read(
  fileSystem: MachineFileSystem,
  device: string,
  place: number,
  isClean: boolean,
): Promise<Observation[]> {
  const at = fileSystem.at === '/' ? '/tmp/root' : fileSystem.at;
  mkdirSync(at, { recursive: true });
  const options = mountOptions(fileSystem, isClean ? 'as-it-is' : 'recovered');
  const mount = ['-t', fileSystem.type, '-o', options, device, at];
  const { code, stderr } = await tryCommand('mount', mount);
  return order.chains.map(({ number }) =>
    code === 0
      ? readHolding(at, place, number)
      : { place, appended: [], slots: new Map(), damage: [stderr.trim()] },
  );
}

const findings: PlaceFinding[] = [];
for (const [place, fileSystem] of order.fileSystems.entries()) {
  findings.push(await check(fileSystem, place));
}
const verdict = judgeSnapshot(order.chains, findings, progress);
const nameOf = (place: number): string => {
  const { at = '?', type = '?' } = order.fileSystems[place] ?? {};
  return `${at} (${type})`;
};
const checked: Checked = {
  problems: describeVerdict(verdict, nameOf),
  records: verdict.chains.reduce((sum, { last }) => sum + last, 0),
};
writeFileSync('/host/checked.json', JSON.stringify(checked));
