import { readFileSync } from 'node:fs';
import { seededRandom } from '../../src/lab/blob-server/random.ts';
import { listLoopDevices } from '../../src/lab/loop-devices.ts';
import { Writers } from '../../src/lab/writers.ts';
import {
  addRigOptions,
  count,
  diskCount,
  type RigScenarioOptions,
  rigOptions,
} from '../options.ts';
import { LabRig } from '../rig.ts';
import { feltBy } from '../sample.ts';
import { defineScenario, type Progress } from '../scenario.ts';
import type { Remains, SoakFigures, WatchedRun } from '../soak/model.ts';
import { type DrawnFault, drawFault } from '../soak/server-faults.ts';
import { SnapshotTaker } from '../soak/snapshot-taker.ts';
import { faultsOf } from '../soak/verdict.ts';
import { renderSoak } from './soak-report.ts';

export interface SoakOptions extends RigScenarioOptions {
  readonly disks: number;
  readonly minutes: number;
  readonly seed: number;
}

const MINUTE_MS = 60_000;
const PROGRESS_INTERVAL_MS = 15_000;

export const soak = defineScenario<SoakOptions, SoakFigures>({
  name: 'soak',
  summary:
    'Snapshots back to back in one process, under load, with a server that errs now and then',
  addOptions: (command) => {
    command
      .option('--minutes <count>', 'how long', count, 10)
      .option('--disks <count>', 'number of disks', diskCount, 8)
      .option('--seed <number>', 'of what goes wrong', count, 1);
    addRigOptions(command);
  },
  measure: async (options, progress) => {
    const { disks, minutes, seed } = options;
    await using rig = await LabRig.create(rigOptions(options, disks));
    await using _writers = await Writers.start(rig.mountPoints);
    await using provider = new SnapshotTaker(rig.urls);
    const random = seededRandom(seed);
    const once = (): Promise<WatchedRun> =>
      runWatched(rig, provider, options, drawFault(random, disks));
    await once();
    const before = await remains(rig);
    const runs = await backToBack(minutes * MINUTE_MS, once, progress);
    return { minutes, runs, before, after: await remains(rig) };
  },
  render: renderSoak,
  judge: faultsOf,
});

async function backToBack(
  durationMs: number,
  once: () => Promise<WatchedRun>,
  progress: Progress,
): Promise<WatchedRun[]> {
  const startMs = performance.now();
  const runs: WatchedRun[] = [];
  let toldMs = startMs;
  while (performance.now() - startMs < durationMs) {
    runs.push(await once());
    if (performance.now() - toldMs > PROGRESS_INTERVAL_MS) {
      toldMs = performance.now();
      progress(`${((toldMs - startMs) / MINUTE_MS).toFixed(1)} minutes, ${runs.length} snapshots`);
    }
  }
  return runs;
}

async function runWatched(
  rig: LabRig,
  provider: SnapshotTaker,
  { latency }: SoakOptions,
  { name, kind, rule, latencyMs, disk }: DrawnFault,
): Promise<WatchedRun> {
  const blob = `disk${disk}`;
  const answerAfter = (ms: number): Promise<undefined> =>
    rig.server.setLatency(blob, { kind: 'fixed', ms });
  await (rule === undefined ? answerAfter(latencyMs ?? latency) : rig.server.setFault(rule));
  rig.probe.begin();
  const run = await provider.takeSnapshot();
  const period = await rig.probe.end();
  await (rule === undefined ? answerAfter(latency) : rig.server.clearFaults());
  const felt = feltBy(period, await rig.snapshotSpans(period.startMs));
  return {
    ...run,
    fault: name,
    faultKind: kind,
    stallMs: felt.ok ? felt.maxStallMs : undefined,
    unsound: felt.ok ? undefined : felt.reason,
    ...(await connectionsOf(rig, period.startMs)),
  };
}

async function connectionsOf(
  { server }: LabRig,
  sinceMs: number,
): Promise<{ reused: number; requests: number }> {
  const logged = await server.requests(BigInt(Math.round(sinceMs * 1e6)));
  const seen = new Set<number>();
  let [reused, requests] = [0, 0];
  for (const { operation, connection } of logged) {
    if (operation === 'snapshot') {
      requests += 1;
      reused += seen.has(connection) ? 1 : 0;
    }
    seen.add(connection);
  }
  return { reused, requests };
}

/** Loop devices are the machine's, others' too: those count whose images lie where the rig's do. */
async function remains({ disks: [first] }: LabRig): Promise<Remains> {
  const all = await listLoopDevices();
  const place = all.find(({ name }) => name === first?.device)?.imageOn;
  const loopDevices = all.filter(({ imageOn }) => imageOn === place).length;
  const mounts = readFileSync('/proc/self/mountinfo', 'latin1').split('\n').length;
  return { loopDevices, mounts };
}
