import type {
  Grant,
  Lock,
  LoggedCall,
  MadeDisk,
  ManagedDisk,
  ManagedFaultRule,
  ManagedIdentity,
  ManagedSnapshot,
  OperationPlan,
  Policy,
} from './model.ts';
import type { ManagedSetup } from './options.ts';

export interface Ports {
  readonly metadata: number;
  readonly arm: number;
}

/** What can be asked of the running lab's process: argument and result of each call. */
export interface ManagedControlCalls {
  start: { argument: ManagedSetup; result: Ports };
  stop: { argument: 'metadata' | 'arm'; result: undefined };
  cutConnections: { argument: undefined; result: undefined };
  addDisk: { argument: ManagedDisk; result: undefined };
  removeDisk: { argument: string; result: undefined };
  setIdentities: { argument: readonly ManagedIdentity[]; result: undefined };
  setGrants: { argument: readonly Grant[]; result: undefined };
  deny: { argument: { readonly action: string; readonly scope: string }; result: undefined };
  setLocks: { argument: readonly Lock[]; result: undefined };
  setPolicies: { argument: readonly Policy[]; result: undefined };
  setOperation: {
    argument: { readonly plan: Partial<OperationPlan>; readonly disk: string | undefined };
    result: undefined;
  };
  setTokenLifetime: { argument: number; result: undefined };
  revokeTokens: { argument: undefined; result: undefined };
  setFault: { argument: ManagedFaultRule; result: undefined };
  clearFaults: { argument: undefined; result: undefined };
  requests: { argument: bigint; result: readonly LoggedCall[] };
  snapshots: { argument: undefined; result: readonly ManagedSnapshot[] };
  madeDisks: { argument: undefined; result: readonly MadeDisk[] };
  endAccess: { argument: string; result: undefined };
  openAccesses: { argument: undefined; result: readonly string[] };
  deleteSnapshot: { argument: string; result: undefined };
  violations: { argument: undefined; result: readonly string[] };
}
