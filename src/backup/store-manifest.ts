import { hostname } from 'node:os';
import packageJson from '../../package.json' with { type: 'json' };
import { machineProxy } from '../config/machine-proxy.ts';
import { readManifestContainer } from '../config/manifest-container.ts';
import { readStorageNames } from '../filesystems/storage-names.ts';
import { Redaction } from '../log/redaction.ts';
import { manifestName, manifestText } from '../restore-points/manifest-file.ts';
import {
  type ManifestPlace,
  placeBeside,
  uploadManifest,
} from '../restore-points/manifest-upload.ts';
import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { readAzureVmId } from '../system/azure-vm-id.ts';
import type { RunContext } from './context.ts';
import { hasFailedToFreeze } from './failed-freeze.ts';
import { manifestOf } from './manifest.ts';
import type { Outcome } from './outcome.ts';
import type { Prepared } from './prepare.ts';
import type { BackupRecord } from './record.ts';

/**
 * Writes the manifest of a run beside its snapshots, after the thaw. Never fails: what cannot be written is a warning; if the
 * SAS of the blobs does not permit it, a line in the log.
 */
export async function storeManifest(
  context: RunContext,
  { provider, preflights, targets }: Pick<Prepared, 'provider' | 'preflights' | 'targets'>,
  record: BackupRecord,
  outcome: Outcome,
): Promise<void> {
  const { manifest: wish } = context.request;
  if (wish === undefined || !['guest', 'managed'].includes(provider.kind)) {
    return;
  }
  if (wish.isLeftToFallback === true && hasFailedToFreeze(record)) {
    return;
  }
  const place = placeOf(context);
  if (place === undefined) {
    context.note(
      'no manifest is written beside the snapshots: give --manifest, or the file that manifestContainerFile in vmbackup.conf names, with the URL of a container and a SAS that may create blobs in it, or blobs with such a SAS',
    );
    return;
  }
  const run = {
    ...{ id: context.restorePoint, origin: wish.origin, host: hostname() },
    vm: provider.vmId ?? (await readAzureVmId()) ?? null,
    version: packageJson.version,
    startedAt: context.startedAt.toISOString(),
  };
  const names = readStorageNames();
  const manifest = manifestOf(record, { run, names, targets, preflights, outcome });
  const name = manifestName(manifest);
  const text = new Redaction().redact(manifestText(manifest));
  await upload(context, place, name, text);
}

function placeOf(context: RunContext): ManifestPlace | undefined {
  const { manifest, manifestContainerFile, blobs } = context.request;
  if (manifest?.container !== undefined) {
    return { url: manifest.container, isSure: true };
  }
  if (manifestContainerFile !== undefined) {
    const configured = readManifestContainer(manifestContainerFile);
    if (configured.ok) {
      return { url: configured.url, isSure: true };
    }
    context.warn(
      `manifestContainerFile in vmbackup.conf is not used: ${configured.message} (FF_MANIFEST_UNWRITABLE)`,
    );
  }
  const [first] = blobs;
  return first === undefined ? undefined : placeBeside(first);
}

async function upload(
  context: RunContext,
  { url, isSure }: ManifestPlace,
  name: string,
  text: string,
): Promise<void> {
  const shown = `${withoutQuery(url)}/${name}`;
  const failure = await uploadManifest(url, name, text, machineProxy()(url));
  if (failure === undefined) {
    context.note(`the manifest of this run is ${shown}`);
    return;
  }
  const sentence = `the manifest ${shown} could not be written (${failure.reason}); the snapshots themselves are not affected. Expected a SAS of the container or account that may create blobs (sp with c or w), e.g. with --manifest (FF_MANIFEST_UNWRITABLE)`;
  if (isSure || failure.httpStatus !== 403) {
    context.warn(sentence);
  } else {
    context.note(sentence);
  }
}
