import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Request } from '../drills/drills.ts';
import type { Qmp } from './qmp.ts';

const LOOK_MS = 200;
/** A disk that answers one request in a second is late for everything. */
const SLOW_PER_SECOND = 1;

/** Does what the machine asks for, in its order, until it is aborted. */
export async function serveRequests(
  share: string,
  control: Qmp,
  ended: AbortSignal,
): Promise<void> {
  const asked = join(share, 'asked');
  for (let served = 0; !ended.aborted; await sleep(LOOK_MS)) {
    const lines = existsSync(asked) ? (await readFile(asked, 'utf8')).split('\n') : [];
    for (const line of lines.slice(served, -1)) {
      await serve(JSON.parse(line), control);
      served += 1;
      await writeFile(join(share, `done-${served}`), '');
    }
  }
}

async function serve(request: Request, control: Qmp): Promise<void> {
  switch (request.action) {
    case 'stop':
      await control.command('stop');
      await sleep(request.seconds * 1000);
      await control.command('cont');
      break;
    case 'slow':
      await throttle(request.disk, SLOW_PER_SECOND, control);
      break;
    case 'fast':
      await throttle(request.disk, 0, control);
      break;
    case 'detach':
      await control.command('device_del', { id: deviceId(request.disk) });
      break;
    case 'cut':
      // QEMU ends before it answers.
      await control.command('quit').catch(() => {});
      break;
  }
}

/** 0: as fast as it can. */
async function throttle(disk: string, iops: number, control: Qmp): Promise<void> {
  const none = { bps: 0, bps_rd: 0, bps_wr: 0, iops_rd: 0, iops_wr: 0 };
  await control.command('block_set_io_throttle', { id: deviceId(disk), ...none, iops });
}

function deviceId(disk: string): string {
  return `disk-${disk}-0`;
}
