/** The server process. */
import { serveCalls } from '../service-calls.ts';
import { BlobStore } from './blob-store.ts';
import type { ControlCalls, ServerSetup } from './control.ts';
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
const resources = new AsyncDisposableStack();
const { promise: running, resolve: nowRunning } = Promise.withResolvers<Running>();

function assemble({ options, accountKey, certificate, untrusted }: ServerSetup): Running {
  const store = new BlobStore({
    blobs: options.blobs,
    limits: options.limits,
    snapshotDirectory: options.snapshotDirectory,
    copier: options.snapshotContent === 'copy' ? resources.use(new ImageCopier()) : undefined,
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

serveCalls<ControlCalls>(
  {
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
    answerNow: async () => {
      (await running).service.answerNow();
      return undefined;
    },
    requests: (sinceNs) => log.entries.filter(({ receivedNs }) => receivedNs >= sinceNs),
    snapshots: async (blob) => (await running).store.snapshots(blob),
    deleteSnapshot: async ({ blob, snapshot }) => {
      await (await running).store.deleteSnapshot(blob, snapshot);
      return undefined;
    },
  },
  resources,
);
