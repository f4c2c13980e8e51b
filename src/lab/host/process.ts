/** The host's process. */
import { ImageCopier } from '../blob-server/image-copy.ts';
import { serveCalls } from '../service-calls.ts';
import { HostFront } from './front.ts';
import type { HostControlCalls, LabHostOptions } from './model.ts';
import { HostService } from './service.ts';

const WIRE_SERVER = '168.63.129.16';

interface Running {
  readonly service: HostService;
  readonly front: HostFront;
}

const resources = new AsyncDisposableStack();
let running: Running | undefined;

function host(): Running {
  if (running === undefined) {
    throw new Error('the host has not been started');
  }
  return running;
}

async function start(options: LabHostOptions): Promise<string> {
  const disks = options.disks ?? [];
  const service = new HostService({
    disks,
    latencyMs: options.latencyMs ?? 0,
    snapshotDirectory: options.snapshotDirectory,
    copier: options.snapshotDirectory === undefined ? undefined : resources.use(new ImageCopier()),
  });
  const front = new HostFront(service);
  running = { service, front };
  return await (options.at === 'wire-server'
    ? front.listen(WIRE_SERVER, 80)
    : front.listen('127.0.0.1', 0));
}

serveCalls<HostControlCalls>(
  {
    start,
    stop: async () => {
      await host().front.close();
      return undefined;
    },
    setFault: (rule) => {
      host().front.setFault(rule);
      return undefined;
    },
    clearFaults: () => {
      host().front.clearFaults();
      return undefined;
    },
    order: (order) => {
      host().service.order(order);
      return undefined;
    },
    requests: () => host().front.log,
    snapshots: () => host().service.snapshots,
  },
  resources,
);
