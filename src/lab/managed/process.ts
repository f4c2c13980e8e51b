/** The process of the lab's managed disks: instance metadata and resource manager. */

import { ImageCopier } from '../blob-server/image-copy.ts';
import { seededRandom } from '../blob-server/random.ts';
import { serveCalls } from '../service-calls.ts';
import { AccessService } from './access-service.ts';
import { CallLog } from './call-log.ts';
import { Cloud } from './cloud.ts';
import type { ManagedControlCalls } from './control.ts';
import { FaultRules } from './fault-rules.ts';
import { ServiceFront } from './front.ts';
import { MadeDisks } from './made-disks.ts';
import { MetadataService } from './metadata-service.ts';
import { Operations } from './operations.ts';
import type { ManagedSetup } from './options.ts';
import { Permissions } from './permissions.ts';
import { Pictures } from './pictures.ts';
import { Rates } from './rates.ts';
import { ResourceManager } from './resource-manager.ts';
import { RestorePointService } from './restore-point-service.ts';
import { ServerClock } from './server-clock.ts';
import { SnapshotService } from './snapshot-service.ts';
import { SnapshotStore } from './snapshot-store.ts';
import { TokenOffice } from './token-office.ts';

const faults = new FaultRules();
const log = new CallLog();
const resources = new AsyncDisposableStack();
let running: ReturnType<typeof assemble> | undefined;

function assemble({ options, certificate, untrusted }: ManagedSetup) {
  const cloud = new Cloud(options);
  const tokens = new TokenOffice(cloud.vm, options.tokenLifetimeSeconds, options.clockSkewMs);
  const clock = new ServerClock(options.clockSkewMs, options.utcOffset);
  const shared = {
    ...{ cloud, options, clock },
    permissions: new Permissions(cloud),
    operations: new Operations(clock, seededRandom(options.seed)),
    pictures: new Pictures(
      options.snapshotDirectory,
      options.snapshotContent === 'copy' ? resources.use(new ImageCopier()) : undefined,
    ),
    store: new SnapshotStore(options.backgroundCopyMs),
  };
  const restorePoints = new RestorePointService(shared);
  const madeDisks = new MadeDisks({ ...shared, restorePoints });
  const accesses = new AccessService(shared);
  const metadata = new MetadataService(cloud, tokens, options.identities);
  const arm = new ResourceManager({
    ...{ ...shared, tokens, restorePoints, madeDisks, accesses },
    rates: new Rates(options.limits),
    snapshots: new SnapshotService(shared),
  });
  return {
    ...{ ...shared, tokens, restorePoints, madeDisks, accesses, metadata },
    fronts: {
      metadata: new ServiceFront({ service: metadata, faults, log }),
      arm: new ServiceFront({ service: arm, faults, log, certificate, untrusted }),
    },
  };
}

function lab(): ReturnType<typeof assemble> {
  if (running === undefined) {
    throw new Error('the lab of managed disks has not been started');
  }
  return running;
}

/** A call that changes something and answers nothing. */
function change<Argument>(apply: (argument: Argument) => unknown) {
  return async (argument: Argument): Promise<undefined> => {
    await apply(argument);
    return undefined;
  };
}

serveCalls<ManagedControlCalls>(
  {
    start: async (setup) => {
      running = assemble(setup);
      const { fronts } = running;
      return {
        metadata: await fronts.metadata.listen(setup.metadataAddress),
        arm: await fronts.arm.listen(setup.armAddress),
      };
    },
    stop: change((service) => lab().fronts[service].close()),
    cutConnections: change(() => lab().fronts.arm.cutConnections()),
    addDisk: change((disk) => lab().cloud.addDisk(disk)),
    removeDisk: change((name) => lab().cloud.removeDisk(name)),
    setIdentities: change((identities) => {
      lab().metadata.identities = identities;
    }),
    setGrants: change((grants) => {
      lab().cloud.grants = grants;
      lab().cloud.denials = [];
    }),
    deny: change((denial) => lab().cloud.denials.push(denial)),
    setLocks: change((locks) => {
      lab().cloud.locks = locks;
    }),
    setPolicies: change((policies) => {
      lab().cloud.policies = policies;
    }),
    setOperation: change(({ plan, disk }) => lab().cloud.setPlan(plan, disk)),
    setTokenLifetime: change((seconds) => {
      lab().tokens.lifetimeSeconds = seconds;
      lab().tokens.forgetCached();
    }),
    revokeTokens: change(() => lab().tokens.revokeAll()),
    setFault: change((rule) => faults.add(rule)),
    clearFaults: change(() => faults.clear()),
    requests: (sinceNs) => log.since(sinceNs),
    snapshots: () => {
      const { store, restorePoints } = lab();
      return [...store.all.map((entry) => store.view(entry)), ...restorePoints.views];
    },
    madeDisks: () => lab().madeDisks.views,
    endAccess: change((id) => lab().accesses.revoke(id)),
    openAccesses: () => lab().accesses.open,
    deleteSnapshot: change(async (id) => {
      await lab().pictures.remove(lab().store.remove(id)?.picture);
    }),
    violations: () => [...lab().restorePoints.violations, ...lab().accesses.violations],
  },
  resources,
);
