import type {
  BlobServerOptions,
  FaultRule,
  Latency,
  LoggedRequest,
  ServerCertificate,
  SnapshotRecord,
} from './model.ts';

/** What the server process is started with, filled with every default. */
export interface ServerSetup {
  readonly options: Required<Omit<BlobServerOptions, 'limits' | 'certificate'>> &
    Pick<BlobServerOptions, 'limits'>;
  readonly accountKey: string;
  readonly certificate: ServerCertificate;
  readonly untrusted: ServerCertificate;
}

/** What can be asked of the running server process: argument and result of each call. */
export interface ControlCalls {
  start: { argument: ServerSetup; result: readonly number[] };
  setFault: { argument: FaultRule; result: undefined };
  clearFaults: { argument: string | undefined; result: undefined };
  setLatency: { argument: { readonly blob: string; readonly latency: Latency }; result: undefined };
  answerNow: { argument: undefined; result: undefined };
  requests: { argument: bigint; result: readonly LoggedRequest[] };
  snapshots: { argument: string; result: readonly SnapshotRecord[] };
  deleteSnapshot: {
    argument: { readonly blob: string; readonly snapshot: string };
    result: undefined;
  };
}
