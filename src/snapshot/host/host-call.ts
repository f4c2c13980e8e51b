import type { PreparedRequest } from '../http/request.ts';
import type { HostSnapshot } from '../snapshot-types.ts';

/** The only call to the host inside the window. Contains secrets (`request`). */
export interface HostCall {
  /** Built before the freeze. */
  readonly request: PreparedRequest;
  /** Decides by the HTTP status whether the window ends with a snapshot. */
  readonly succeeds: (httpStatus: number) => boolean;
  /** Reads the answer after the thaw: one entry for each disk, at least one. Pure. */
  readonly readAnswer: (statusCode: number, body: string) => readonly HostDiskAnswer[];
}

/** The result for one disk. */
export type HostDiskAnswer = HostSnapshot &
  (
    | {
        readonly ok: true;
        /** Its time, or another text that identifies it. */
        readonly snapshot: string;
      }
    | {
        readonly ok: false;
        /** For people; without secrets. */
        readonly message: string;
        /** The Blob service's code, if the host's text contains it. */
        readonly serviceCode: string | undefined;
        /** The HTTP status for this disk, if the host reports it. */
        readonly httpStatus: number | undefined;
      }
  );
