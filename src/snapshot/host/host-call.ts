import type { PreparedRequest } from '../http/request.ts';
import type { HostSnapshot } from '../snapshot-types.ts';

/** The one call to the host inside the window. Holds secrets (`request`). */
export interface HostCall {
  /** Put together before the freeze. */
  readonly request: PreparedRequest;
  /** Judges an answer by its status: whether the window ends with a snapshot. */
  readonly succeeds: (httpStatus: number) => boolean;
  /** Reads the answer after the thaw: one entry for each disk, never none. Pure. */
  readonly readAnswer: (statusCode: number, body: string) => readonly HostDiskAnswer[];
}

/** What became of one disk. */
export type HostDiskAnswer = HostSnapshot &
  (
    | {
        readonly ok: true;
        /** Its time, or whatever else identifies it. */
        readonly snapshot: string;
      }
    | {
        readonly ok: false;
        /** For people; without secrets. */
        readonly message: string;
        /** Of the Blob service, where the host's words tell it. */
        readonly serviceCode: string | undefined;
        /** Of the disk, where the host tells it. */
        readonly httpStatus: number | undefined;
      }
  );
