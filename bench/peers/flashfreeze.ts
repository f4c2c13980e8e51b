import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FireRule } from '../../src/config/vmbackup.ts';
import type { RoleTime } from '../../src/system/thread-times.ts';
import { failureOf, runMeasured, type Usage } from '../process/measured-process.ts';
import { productNode, THIS_CHECKOUT } from '../process/product-node.ts';
import type { Rig } from '../rig.ts';
import { type Contender, contender } from '../sample.ts';

/** As the tables show it if it has no other name. */
export const FLASHFREEZE = 'flashfreeze';

export interface FlashfreezeOptions {
  /** As the tables show it; default: `FLASHFREEZE`. */
  readonly name?: string;
  readonly lanes?: number | undefined;
  readonly fire?: FireRule | undefined;
  readonly settle?: boolean | undefined;
  /** Scheduled start, ms since the epoch; default: at once. */
  readonly startAt?: number | undefined;
  /** Another checkout of flashfreeze, with its own build, or an unpacked package; default: this checkout. */
  readonly checkout?: string;
  /** Of Node and V8, for a checkout. */
  readonly nodeOptions?: readonly string[];
  /** The disks are the managed disks of a VM. */
  readonly managed?: boolean;
}

const TIMEOUT_S = 20;

/** What `--json` prints, as far as it is used here. */
export interface Printed {
  readonly windowMs: { readonly max: number; readonly mean: number };
  readonly phasesMs: Readonly<Record<string, number>>;
  readonly fileSystems: readonly {
    readonly mountPoint: string;
    /** Kernel names. */
    readonly disks: readonly string[];
  }[];
  readonly disks: readonly { readonly device: string | null; readonly snapshot: string | null }[];
  /** Missing: an older checkout, which does not count it. */
  readonly threads?: readonly RoleTime[];
}

/** The real command in a process of its own. */
export function flashfreeze(options: FlashfreezeOptions = {}): Contender {
  return contender(options.name ?? FLASHFREEZE, async (rig) => {
    const run = await runFlashfreeze(rig, options);
    if (!run.ok) {
      return run;
    }
    const { windowMs, phasesMs, disks, threads } = run.printed;
    const own = {
      ...{ windowMaxMs: windowMs.max, windowMeanMs: windowMs.mean, phasesMs },
      ...(threads === undefined ? {} : { threads }),
    };
    const snapshots = disks.map(({ snapshot }) => snapshot);
    return { ok: true, usage: run.usage, own, snapshots };
  });
}

export type FlashfreezeRun =
  | { readonly ok: true; readonly usage: Usage; readonly printed: Printed }
  | { readonly ok: false; readonly reason: string };

export async function runFlashfreeze(
  { launcher, blobLines }: Pick<Rig, 'launcher' | 'blobLines'>,
  options: FlashfreezeOptions = {},
): Promise<FlashfreezeRun> {
  const run = await runMeasured(launcher, commandLine(options), blobLines.join('\n'));
  return run.exitCode === 0
    ? { ok: true, usage: run.usage, printed: JSON.parse(run.stdout) as Printed }
    : { ok: false, reason: failureOf(run) };
}

function commandLine(options: FlashfreezeOptions): string[] {
  const {
    lanes,
    fire,
    settle = true,
    startAt,
    checkout = THIS_CHECKOUT,
    managed = false,
  } = options;
  return [
    ...programOf(checkout, options.nodeOptions ?? []),
    ...['snapshot', '--json', ...(managed ? ['--managed'] : ['--blobs-from', '-'])],
    ...['--timeout', String(TIMEOUT_S)],
    ...(lanes === undefined ? [] : ['--lanes', String(lanes)]),
    ...(fire === undefined ? [] : ['--fire', fire]),
    ...(settle ? [] : ['--no-settle']),
    ...(startAt === undefined ? [] : ['--at', new Date(startAt).toISOString()]),
  ];
}

/** A package brings its own runtime. */
function programOf(checkout: string, nodeOptions: readonly string[]): string[] {
  const shim = join(checkout, 'flashfreeze');
  const isPackage = existsSync(join(checkout, 'HandlerManifest.json'));
  return isPackage
    ? [shim]
    : [...productNode(checkout), ...nodeOptions, join(checkout, 'src/flashfreeze.js')];
}
