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
