/** A snapshot as the service lists it. No secrets. */
export interface StoredSnapshot {
  /** Name within its container. */
  readonly blob: string;
  /** The blob's URL without query. */
  readonly url: string;
  /** `x-ms-snapshot`: the time that identifies it. */
  readonly snapshot: string;
  readonly sizeBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** From the file of an earlier run: the task that took a snapshot. */
export interface KnownSnapshot {
  readonly url: string;
  readonly snapshot: string;
  readonly taskId: string;
}

/** The task that took a snapshot; undefined if no known run on this machine did. */
export function taskOf(
  { url, snapshot }: Pick<StoredSnapshot, 'url' | 'snapshot'>,
  known: readonly KnownSnapshot[],
): string | undefined {
  return known.find((it) => it.url === url && it.snapshot === snapshot)?.taskId;
}

/** Ignores the case of metadata names, because they are HTTP headers. */
export function hasMetadata(
  metadata: Readonly<Record<string, string>>,
  wanted: readonly (readonly [key: string, value: string])[],
): boolean {
  const found = new Map(
    Object.entries(metadata).map(([key, value]) => [key.toLowerCase(), value] as const),
  );
  return wanted.every(([key, value]) => found.get(key.toLowerCase()) === value);
}
