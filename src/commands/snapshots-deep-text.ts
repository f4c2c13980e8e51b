import { printable } from '../log/printable.ts';
import { colors } from '../report/colors.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { deepReportSchema } from '../report/schemas/stored-snapshots.ts';

export type DeepReport = OutputOf<typeof deepReportSchema>;
type Disk = DeepReport['disks'][number];

/** The result of `verify --deep` for people; it claims no more than what was looked into. Pure. */
export function deepReportText(report: DeepReport): string {
  return [...report.disks.flatMap(linesOf), verdictOf(report)].join('\n');
}

function linesOf({ source, snapshot, heads, problems, notProved }: Disk): string[] {
  const name = printable(`${source} ${snapshot}`);
  if (problems.length > 0) {
    return [
      `${colors.red('✗')} ${name}`,
      ...problems.map((it) => colors.red(printable(`    ${it}`))),
    ];
  }
  const mark = notProved.length === 0 ? colors.green('✓') : colors.yellow('!');
  const found = heads.map(({ where, kind, detail }) => `    ${where} (${kind}): ${detail}`);
  return [`${mark} ${name}`, ...found.map(printable)];
}

function verdictOf({ id, host, worth, count, present, verdict, disks }: DeepReport): string {
  const name = printable(`restore point ${id} of ${host}`);
  const heads = disks.flatMap((disk) => disk.heads);
  const unread = heads.filter(({ state }) => state === 'notLookedInto').length;
  const share = `${unread} of ${heads.length} places on its disks ${unread === 1 ? 'was' : 'were'} not looked into`;
  switch (verdict) {
    case 'mountable':
      return colors.green(
        unread === 0
          ? `✓ ${name}: nothing has to be recovered on any disk`
          : `✓ ${name}: nothing has to be recovered in any file system that was mounted; ${share}, and the manifest names no file system there`,
      );
    case 'notProved': {
      const why = disks.flatMap(({ position, notProved }) =>
        notProved.map((it) => `disk ${position}, ${it}`),
      );
      return colors.yellow(
        printable(`! ${name}: nothing found wrong, but not proved; ${share}: ${why.join('; ')}`),
      );
    }
    case 'faulty': {
      const good = disks.filter(({ problems }) => problems.length === 0).length;
      return colors.red(
        `✗ ${name}: ${worth}, ${present} of ${count} snapshots exist, ${good} of them without a problem`,
      );
    }
  }
}
