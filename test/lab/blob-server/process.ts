/** The server process: does what its parent asks over the IPC channel, and ends with it. */
import { BlobStore } from './blob-store.ts';
import type { ControlHandlers, ControlReply, ControlRequest, ServerSetup } from './control.ts';
import { FaultBook } from './fault-book.ts';
import { ImageCopier } from './image-copy.ts';
import { seededRandom } from './random.ts';
import { RequestLog } from './request-log.ts';
import { HttpsFront } from './server.ts';
import { Service } from './service.ts';

interface Running {
  readonly store: BlobStore;
  readonly service: Service;
  readonly front: HttpsFront;
}

const faults = new FaultBook();
const log = new RequestLog();
const { promise: running, resolve: nowRunning } = Promise.withResolvers<Running>();

function assemble({ options, accountKey, certificate, untrusted }: ServerSetup): Running {
  const store = new BlobStore({
    blobs: options.blobs,
    limits: options.limits,
    snapshotDirectory: options.snapshotDirectory,
    copier: options.snapshotContent === 'copy' ? new ImageCopier() : undefined,
  });
  const service = new Service({
    store,
    accountKey,
    latency: options.latency,
    copyAt: options.copyAt,
    random: seededRandom(options.seed),
  });
  return {
    store,
    service,
    front: new HttpsFront({ service, faults, log, certificate, untrusted }),
  };
}

const handlers: ControlHandlers = {
  start: async (setup) => {
    const parts = assemble(setup);
    nowRunning(parts);
    const { listeners, blobs } = setup.options;
    return parts.front.listeners.open(
      listeners === 'shared' ? [undefined] : blobs.map(({ name }) => name),
    );
  },
  setFault: async (rule) => {
    faults.add(rule);
    await (await running).front.listeners.applyRefusals();
    return undefined;
  },
  clearFaults: async (blob) => {
    faults.clear(blob);
    await (await running).front.listeners.applyRefusals();
    return undefined;
  },
  setLatency: async ({ blob, latency }) => {
    (await running).service.setLatency(blob, latency);
    return undefined;
  },
  requests: (sinceNs) => log.entries.filter(({ receivedNs }) => receivedNs >= sinceNs),
  snapshots: async (blob) => (await running).store.snapshots(blob),
  deleteSnapshot: async ({ blob, snapshot }) => {
    await (await running).store.deleteSnapshot(blob, snapshot);
    return undefined;
  },
};

async function obey(request: ControlRequest): Promise<ControlReply> {
  const { id, call, argument } = request;
  try {
    const handler = handlers[call] as (argument: unknown) => unknown;
    return { id, ok: true, result: await handler(argument) };
  } catch (error) {
    return { id, ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', async (request: ControlRequest) => {
  process.send?.(await obey(request));
});
process.on('disconnect', () => process.exit(0));
