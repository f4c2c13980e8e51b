import type { Machine } from './machine.ts';
import { METADATA_PREFIX, type NamePrefix } from './membership.ts';

/** What a manifest, tags or a file of this machine say of a run that has ended. */
export interface RecordOfRun {
  readonly id: string;
  /** As in the summary of the run; missing if it is not known. */
  readonly consistency?: string | undefined;
  readonly restorable: boolean;
  /** ISO 8601; null if it was never reached. */
  readonly barrier: string | null;
}

/** A record that lies elsewhere than the snapshots of the run. */
export interface KeptRecord extends RecordOfRun {
  /** Undefined if the identifier alone says which snapshots it is of: Azure's name of a restore point. */
  readonly machine: Machine | undefined;
}

/** The names, without their prefix, under which a snapshot carries what is only known after the run. */
const CONSISTENCY = 'consistency';
const RESTORABLE = 'restorable';
const BARRIER = 'barrier';

/** The record of its run that a snapshot carries in its tags or metadata; undefined if it carries none. Pure. */
export function recordIn(
  id: string,
  values: Readonly<Record<string, string>>,
): RecordOfRun | undefined {
  const own = new Map(
    Object.entries(values).map(([name, value]) => [plainName(name), value] as const),
  );
  const restorable = own.get(RESTORABLE)?.toLowerCase();
  return restorable === 'true' || restorable === 'false'
    ? {
        id,
        consistency: own.get(CONSISTENCY),
        restorable: restorable === 'true',
        barrier: own.get(BARRIER) ?? null,
      }
    : undefined;
}

/** The consistency that a snapshot carries in its tags or metadata; undefined if it carries none. Pure. */
export function consistencyIn(values: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(values).find(([name]) => plainName(name) === CONSISTENCY)?.[1];
}

function plainName(name: string): string {
  const plain = name.toLowerCase().replaceAll('-', '_');
  return plain.startsWith(METADATA_PREFIX satisfies NamePrefix)
    ? plain.slice(METADATA_PREFIX.length)
    : '';
}
