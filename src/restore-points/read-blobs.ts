import { safeParse } from 'valibot';
import { manifestSchema } from '../report/schemas/manifest.ts';
import { proxyOptions } from '../snapshot/blob/proxy-options.ts';
import { storageLibrary } from '../snapshot/blob/storage-library.ts';
import { pagesOf, type StoredBlob } from '../snapshot/inventory/container-pages.ts';
import type { StoredSnapshot } from '../snapshot/inventory/stored-snapshot.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';
import { inParallel } from '../system/in-parallel.ts';
import { MANIFEST_PREFIX, MOST_MANIFEST_BYTES } from './manifest-file.ts';
import { membersOf } from './members-of-blobs.ts';
import { membershipIn } from './membership.ts';
import type { Manifest, StoredMember } from './restore-point.ts';

const MANIFEST_LIMIT_MS = 30_000;
const MANIFESTS_AT_ONCE = 8;

export interface BlobContainer {
  /** With a SAS that may list, and read for the manifests. Secret. */
  readonly url: string;
  readonly proxy: string | undefined;
}

/** A manifest and where it lies. */
export interface StoredManifest {
  readonly manifest: Manifest;
  readonly container: BlobContainer;
  /** Name within the container. */
  readonly blob: string;
}

export interface ReadProgress {
  readonly snapshots: number;
  readonly manifests: number;
}

/** What containers hold of restore points. */
export interface BlobInventory {
  readonly members: readonly StoredMember[];
  readonly manifests: readonly StoredManifest[];
  /** Names of the blobs of manifests that could not be read. */
  readonly unread: readonly string[];
  /** Identifiers of restore points that the metadata of blobs name, so that snapshots by others inherit them. */
  readonly onBlobs: ReadonlySet<string>;
  /** Number of snapshots that belong to no restore point: they say of none that they do, and no manifest names them. */
  readonly others: number;
  /** Sentences about manifests that could not be read. */
  readonly warnings: readonly string[];
}

/**
 * Lists the snapshots in containers page by page and reads the manifests beside them. Do not call it while anything is frozen.
 *
 * @param progress called after every page and manifest
 * @throws FlashfreezeError FF_CONTAINER_REFUSED
 */
export async function readBlobs(
  containers: readonly BlobContainer[],
  progress: (progress: ReadProgress) => void = () => {},
): Promise<BlobInventory> {
  const stored: StoredSnapshot[] = [];
  const onBlobs = new Set<string>();
  const manifests: StoredManifest[] = [];
  const failures: ManifestFailure[] = [];
  const seen = { snapshots: 0, manifests: 0 };
  for (const container of containers) {
    const named: StoredBlob[] = [];
    for await (const { snapshots, blobs } of pagesOf(container.url, container.proxy)) {
      stored.push(...snapshots);
      for (const { restorePoint } of blobs.flatMap(
        ({ metadata }) => membershipIn(metadata) ?? [],
      )) {
        onBlobs.add(restorePoint);
      }
      named.push(...blobs.filter(isManifestName));
      seen.snapshots += snapshots.length;
      progress({ ...seen });
    }
    const read = await readManifests(container, named, () => {
      seen.manifests += 1;
      progress({ ...seen });
    });
    manifests.push(...read.manifests);
    failures.push(...read.failures);
  }
  // A manifest may name snapshots in another container than its own.
  const members = membersOf(
    stored,
    manifests.map(({ manifest }) => manifest),
  );
  return {
    ...{ members, manifests, onBlobs },
    unread: failures.map(({ name }) => name),
    warnings: warningOf(failures),
    others: stored.length - members.length,
  };
}

/** Larger blobs in the folder are not manifests of flashfreeze. */
function isManifestName({ name, sizeBytes }: StoredBlob): boolean {
  return (
    name.startsWith(MANIFEST_PREFIX) && name.endsWith('.json') && sizeBytes <= MOST_MANIFEST_BYTES
  );
}

/** A manifest that could not be read, and why. */
interface ManifestFailure {
  readonly name: string;
  readonly problem: string;
}

/** Reads a few at a time. */
async function readManifests(
  container: BlobContainer,
  blobs: readonly StoredBlob[],
  read: () => void,
): Promise<{
  readonly manifests: readonly StoredManifest[];
  readonly failures: readonly ManifestFailure[];
}> {
  const { AnonymousCredential, ContainerClient } = await storageLibrary();
  const client = new ContainerClient(
    container.url,
    new AnonymousCredential(),
    proxyOptions(container.proxy),
  );
  const manifests: StoredManifest[] = [];
  const failures: ManifestFailure[] = [];
  await inParallel(blobs, MANIFESTS_AT_ONCE, async ({ name }) => {
    const found = await readManifest(client.getBlobClient(name));
    if ('problem' in found) {
      failures.push({ name, problem: found.problem });
    } else {
      manifests.push({ manifest: found.manifest, container, blob: name });
    }
    read();
  });
  return { manifests, failures };
}

/** One sentence, however many there are: a SAS that may not read fails for each of them. */
function warningOf(failures: readonly ManifestFailure[]): string[] {
  const [first] = failures;
  return first === undefined
    ? []
    : [
        `${failures.length} manifests could not be read, so their restore points may count as not recorded or incomplete, and prune leaves them alone; expected a SAS that may read (sp with r). The first: ${first.name}: ${first.problem}`,
      ];
}

interface ReadableBlob {
  downloadToBuffer(
    offset: number,
    count: number | undefined,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<Buffer>;
}

async function readManifest(
  blob: ReadableBlob,
): Promise<{ readonly manifest: Manifest } | { readonly problem: string }> {
  try {
    const abortSignal = AbortSignal.timeout(MANIFEST_LIMIT_MS);
    const content = await blob.downloadToBuffer(0, undefined, { abortSignal });
    const parsed = safeParse(manifestSchema, jsonOf(content.toString('utf8')));
    return parsed.success
      ? { manifest: parsed.output }
      : { problem: 'it is no manifest of this version of flashfreeze' };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
    return { problem: String(code ?? status ?? (error instanceof Error ? error.name : 'unknown')) };
  }
}
