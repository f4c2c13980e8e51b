import type { TargetRecord } from './record.ts';

/** One sentence for each disk whose snapshot request held the writers noticeably longer than usual. Pure. */
export function patienceWarnings(disks: readonly TargetRecord[]): string[] {
  return disks.flatMap(({ device, blob, answer: { patience } }) => {
    const name = device === undefined ? blob : `${device} (${blob})`;
    return patience === undefined
      ? []
      : [
          `${name}: its writers were held ${(patience.usedMs / 1_000).toFixed(1)} s beyond the usual, because its snapshot request waited for ${patience.waitedFor}`,
        ];
  });
}
