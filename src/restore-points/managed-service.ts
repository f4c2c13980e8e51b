import { machineProxy } from '../config/machine-proxy.ts';
import { resourceManagerOf } from '../snapshot/managed/clouds.ts';
import { readInstance } from '../snapshot/managed/instance-metadata.ts';
import { TokenKeeper } from '../snapshot/managed/token-keeper.ts';

/** A resource group of snapshots, and how the resource manager is reached from this VM. */
export interface ManagedService {
  readonly origin: string;
  readonly proxy: string | undefined;
  readonly subscription: string;
  readonly group: string;
  readonly tokens: Pick<TokenKeeper, 'forNow' | 'renewed'>;
}

export interface ManagedServiceWishes {
  /** Undefined: that of the VM. */
  readonly group: string | undefined;
  /** Of a user-assigned identity. */
  readonly clientId: string | undefined;
  /** Receives every token, so that no text shows it. */
  readonly learnSecret: (secret: string) => void;
  readonly abort: AbortSignal;
}

/**
 * Asks the instance metadata where this VM and its cloud are.
 *
 * @throws FlashfreezeError FF_METADATA_UNREACHABLE, FF_METADATA_INVALID; FF_DISK_UNSUPPORTED for a cloud that is not known
 */
export async function findManagedService({
  group,
  clientId,
  learnSecret,
  abort,
}: ManagedServiceWishes): Promise<ManagedService> {
  const { vm } = await readInstance(undefined, abort);
  const { origin, audience } = resourceManagerOf(vm.environment);
  return {
    origin,
    proxy: machineProxy()(origin),
    subscription: vm.subscription,
    group: group ?? vm.group,
    tokens: new TokenKeeper({ audience, clientId, learnSecret, abort }),
  };
}
