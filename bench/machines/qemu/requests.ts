import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { REQUESTS, type Request } from '../drills/drills.ts';
import { fileNode, formatNode } from './arguments.ts';
import type { Qmp } from './qmp.ts';

const LOOK_MS = 200;
const AS_FAST_AS_IT_CAN = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 };
/** One request in a second: late for everything. */
const SLOW = { ...AS_FAST_AS_IT_CAN, iops: 1 };
/** One byte in a second: the first request is answered, and the next one an hour later. */
const HELD_BACK = { ...AS_FAST_AS_IT_CAN, bps: 1 };
const EIO = 5;

export interface Powered {
  readonly control: Qmp;
  /** Ends the machine at once. */
  readonly cut: () => void;
}

/** Does what the machine asks for, in its order, until it is aborted. What another boot has asked for is forgotten. */
export async function serveRequests(
  share: string,
  powered: Powered,
  ended: AbortSignal,
): Promise<void> {
  const folder = join(share, REQUESTS);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const asked = join(folder, 'asked');
  for (let served = 0; !ended.aborted; await sleep(LOOK_MS)) {
    const lines = existsSync(asked) ? (await readFile(asked, 'utf8')).split('\n') : [];
    for (const line of lines.slice(served, -1)) {
      await serve(JSON.parse(line), powered);
      served += 1;
      await writeFile(join(folder, `done-${served}`), '');
    }
  }
}

async function serve(request: Request, { control, cut }: Powered): Promise<void> {
  switch (request.action) {
    case 'stop':
      await control.command('stop');
      await sleep(request.seconds * 1000);
      await control.command('cont');
      break;
    case 'slow':
      return await throttle(request.disk, SLOW, control);
    case 'hold-back':
      return await throttle(request.disk, HELD_BACK, control);
    case 'fast':
      return await throttle(request.disk, AS_FAST_AS_IT_CAN, control);
    case 'fail':
      return await failWrites(request.disk, control);
    case 'mend':
      return await putOn(request.disk, fileNode(request.disk, 0), control);
    case 'detach':
      await control.command('device_del', { id: deviceId(request.disk) });
      break;
    case 'cut':
      cut();
      break;
  }
}

async function throttle(
  disk: string,
  limits: typeof AS_FAST_AS_IT_CAN,
  control: Qmp,
): Promise<void> {
  await control.command('block_set_io_throttle', { id: deviceId(disk), ...limits });
}

/** Every write from now on ends with EIO. Reads and flushes do not: QEMU mends no disk that it cannot flush. */
async function failWrites(disk: string, control: Qmp): Promise<void> {
  const failing = `failing-${disk}`;
  await control.command('blockdev-add', {
    ...{ driver: 'blkdebug', 'node-name': failing, image: fileNode(disk, 0) },
    'inject-error': [{ event: 'none', iotype: 'write', errno: EIO, once: false }],
  });
  await putOn(disk, failing, control);
}

async function putOn(disk: string, node: string, control: Qmp): Promise<void> {
  const options = {
    ...{ driver: 'raw', 'node-name': formatNode(disk, 0), file: node, discard: 'unmap' },
    cache: { direct: false, 'no-flush': true },
  };
  await control.command('blockdev-reopen', { options: [options] });
}

function deviceId(disk: string): string {
  return `disk-${disk}-0`;
}
