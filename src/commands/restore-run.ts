import { machineProxy } from '../config/machine-proxy.ts';
import { FlashfreezeError } from '../errors.ts';
import { jsonText, printable } from '../log/printable.ts';
import type { Redaction } from '../log/redaction.ts';
import { colors } from '../report/colors.ts';
import { type BlobCopy, type Copied, copyBlobs } from '../restore/copy-blobs.ts';
import { planRestore, type RestorePlan } from '../restore/restore-plan.ts';
import { restoreText } from '../restore/restore-text.ts';
import { findRestorePoint } from '../restore-points/find.ts';
import type { BlobContainer } from '../restore-points/read-blobs.ts';
import { nameInContainer } from '../snapshot/blob/blob-place.ts';
import { withoutQuery } from '../snapshot/blob/blob-url.ts';
import { containerUrlsOf } from './container-options.ts';
import { redactionOfCommand } from './exit.ts';
import type { RestoreOptions } from './restore.ts';
import { type Restored, requireManagedOptions } from './restore-options.ts';
import { restoreReport } from './restore-report.ts';
import { ProgressLine } from './snapshots-progress.ts';
import { doubtsOn, pointSelectionOf, readPoints, sourceOf } from './snapshots-source.ts';

/** @returns the exit code: 1 if a disk was not made */
export async function runRestore(text: string, options: RestoreOptions): Promise<number> {
  requireManagedOptions(options);
  const redaction = redactionOfCommand();
  const isSelected = pointSelectionOf(options);
  const to = targetOf(options, redaction);
  const source = await sourceOf(options, redaction);
  const { points, warnings, hint } = await readPoints(source);
  for (const warning of warnings) {
    process.stderr.write(redaction.redact(`${colors.yellow('!')} ${printable(warning)}\n`));
  }
  const point = findRestorePoint(points.filter(isSelected), text, hint);
  for (const warning of doubtsOn(point)) {
    process.stderr.write(redaction.redact(`${colors.yellow('!')} ${printable(warning)}\n`));
  }
  const plan = planRestore(point, { prefix: options.prefix, accept: options.accept });
  const { report, exitCode } =
    source.kind === 'blobs'
      ? await restoreBlobs(plan, source.containers, to, options.create === true)
      : await (await import('./restore-managed.ts')).restoreManaged(plan, source.service, options);
  const shown = options.json === true ? jsonText(report) : restoreText(report);
  process.stdout.write(redaction.redact(`${shown}\n`));
  return exitCode;
}

async function restoreBlobs(
  plan: RestorePlan,
  containers: readonly BlobContainer[],
  to: BlobContainer | undefined,
  isReal: boolean,
): Promise<Restored> {
  const copies = copiesOf(plan, containers, to);
  if (isReal) {
    requireCreatable(copies);
  }
  const copied = isReal ? await withProgress(copies) : [];
  const urls = copies.map(({ to: place, name }) => `${folderOf(place)}/${name}`);
  const urlOf = new Map(copies.map(({ name }, index) => [name, urls[index]]));
  const report = restoreReport(
    plan,
    urls.map((url, index) => ({
      ...{ url, diskId: null },
      ...{ state: copied[index]?.state ?? 'planned', error: copied[index]?.error },
    })),
    { blobUrl: (name) => urlOf.get(name) ?? name, group: undefined },
    [],
  );
  return { report, exitCode: Number(copied.some(({ state }) => state === 'failed')) };
}

function targetOf({ to }: RestoreOptions, redaction: Redaction): BlobContainer | undefined {
  const [url] = to === undefined ? [] : containerUrlsOf({ container: [to] });
  if (url === undefined) {
    return undefined;
  }
  redaction.addUrl(url);
  return { url, proxy: machineProxy()(url) };
}

function copiesOf(
  { point, disks }: RestorePlan,
  containers: readonly BlobContainer[],
  to: BlobContainer | undefined,
): BlobCopy[] {
  return disks.map(({ member, name }): BlobCopy => {
    const { place, sizeBytes, values } = member;
    const url = place.kind === 'blob' ? place.url : '';
    const from = containers.find((it) => nameInContainer(it.url, url) !== undefined);
    if (place.kind !== 'blob' || from === undefined) {
      throw new FlashfreezeError('FF_INTERNAL', `${url} lies in none of the containers`);
    }
    const metadata = metadataOf(values, `${point.id} ${member.membership.position}`);
    return { url, snapshot: place.snapshot, sizeBytes, from, to: to ?? from, name, metadata };
  });
}

/**
 * The metadata of a new blob: what the snapshot has (e.g. the encryption settings of the disk), but not its membership, which a
 * later snapshot by another program would inherit.
 */
function metadataOf(
  values: Readonly<Record<string, string>>,
  origin: string,
): Readonly<Record<string, string>> {
  const others = Object.entries(values).filter(([name]) => !/^flashfreeze_/i.test(name));
  return { ...Object.fromEntries(others), flashfreeze_restored: origin };
}

function folderOf({ url }: BlobContainer): string {
  return withoutQuery(url).replace(/\/$/, '');
}

/** Refuses SAS that show that they may not do it, before anything is copied. */
function requireCreatable(copies: readonly BlobCopy[]): void {
  for (const { from, to } of copies) {
    requireGranted(from, ['r'], 'read (sp=rl)');
    requireGranted(to, ['r'], 'read and create (sp=rc)');
    requireGranted(to, ['c', 'w'], 'read and create (sp=rc)');
  }
}

function requireGranted(
  { url }: BlobContainer,
  letters: readonly string[],
  expected: string,
): void {
  const granted = new URL(url).searchParams.get('sp');
  if (granted !== null && !letters.some((letter) => granted.includes(letter))) {
    throw new FlashfreezeError(
      'FF_CONTAINER_REFUSED',
      `${withoutQuery(url)}: its SAS does not permit it; expected one that may ${expected}. Nothing was copied`,
    );
  }
}

async function withProgress(copies: readonly BlobCopy[]): Promise<Copied[]> {
  using line = new ProgressLine();
  const gb = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  return await copyBlobs(copies, (copied, all) => {
    const percent = all === 0 ? 100 : Math.floor((100 * copied) / all);
    line.show(`${gb(copied)} of ${gb(all)} GB copied (${percent} %)`);
  });
}
