/** The host's process: does what its parent asks over the IPC channel, and ends with it. */
import { ImageCopier } from '../blob-server/image-copy.ts';
import { HostFront } from './front.ts';
import type {
  HostControlCalls,
  HostControlName,
  HostControlReply,
  HostControlRequest,
  LabHostOptions,
} from './model.ts';
import { HostService } from './service.ts';

const WIRE_SERVER = '168.63.129.16';

type Handlers = {
  readonly [Name in HostControlName]: (
    argument: HostControlCalls[Name]['argument'],
  ) => Promise<HostControlCalls[Name]['result']> | HostControlCalls[Name]['result'];
};

interface Running {
  readonly service: HostService;
  readonly front: HostFront;
}

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
    copier: options.snapshotDirectory === undefined ? undefined : new ImageCopier(),
  });
  const front = new HostFront(service);
  running = { service, front };
  return await (options.at === 'wire-server'
    ? front.listen(WIRE_SERVER, 80)
    : front.listen('127.0.0.1', 0));
}

const handlers: Handlers = {
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
};

async function obey({ id, call, argument }: HostControlRequest): Promise<HostControlReply> {
  try {
    const handler = handlers[call] as (argument: unknown) => unknown;
    return { id, ok: true, result: await handler(argument) };
  } catch (error) {
    return { id, ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', async (request: HostControlRequest) => {
  process.send?.(await obey(request));
});
process.on('disconnect', () => process.exit(0));
