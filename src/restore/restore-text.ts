import { printable } from '../log/printable.ts';
import { colors } from '../report/colors.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { restoreReportSchema } from '../report/schemas/restore-report.ts';
import { renderTable } from '../report/table.ts';

export type RestoreReport = OutputOf<typeof restoreReportSchema>;

/** What `flashfreeze restore` prints for people. Pure. */
export function restoreText(report: RestoreReport): string {
  const { restorePoint, host, worth, isDryRun, disks, missing, warnings } = report;
  const failed = disks.filter(({ state }) => state === 'failed');
  const isManaged = disks.some(({ url }) => url === null);
  return [
    printable(`restore point ${restorePoint} of ${host}: ${worth}`),
    '',
    diskTable(disks),
    ...(missing.length === 0
      ? []
      : ['', colors.yellow(`! without a snapshot: disk ${missing.join(', ')}`)]),
    ...(failed.length === 0 ? [] : ['', ...failed.map(failureText)]),
    ...(failed.length === 0 ? ['', ...nextSteps(report), '', ...warnings.map(warningText)] : []),
    ...(isDryRun ? ['', isManaged ? DRY_MANAGED : DRY_BLOBS] : []),
  ].join('\n');
}

const DRY_BLOBS = 'Dry run: nothing was copied. Use --create to copy.';
const DRY_MANAGED = 'Dry run: nothing was made. Use --create to make the disks.';

function diskTable(disks: RestoreReport['disks']): string {
  return renderTable(
    [
      { head: 'LUN', align: 'right' },
      { head: 'device', align: 'left' },
      { head: 'snapshot of', align: 'left' },
      { head: 'GB', align: 'right' },
      { head: 'new disk', align: 'left' },
      { head: 'state', align: 'left' },
    ],
    disks.map(({ lun, device, source, sizeBytes, name, state }) => [
      lun ?? '–',
      printable(device ?? '–'),
      printable(source.split('/').at(-1) ?? source),
      sizeBytes === 0 ? '–' : (sizeBytes / 2 ** 30).toFixed(1),
      name,
      state,
    ]),
  );
}

function failureText({ name, error }: RestoreReport['disks'][number]): string {
  return colors.red(printable(`✗ ${name}: ${error}`));
}

function nextSteps({ azLines }: RestoreReport): string[] {
  const what = azLines.some((line) => line.startsWith('az disk create'))
    ? 'To make managed disks of it and attach them'
    : 'To attach the disks';
  return [
    `${what} (replace what is in angle brackets):`,
    '',
    ...azLines.map((line) => `  ${printable(line)}`),
  ];
}

function warningText(text: string): string {
  return `${colors.yellow('!')} ${text}`;
}
