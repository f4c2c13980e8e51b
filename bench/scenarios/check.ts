import { BOUNDS, brokenBounds, keptBounds, mostOf, subjectOf } from '../bounds.ts';
import { expeditedWarnings, failureLines } from '../comparison.ts';
import { addLabOptions, type LabScenarioOptions } from '../options.ts';
import { PEERS } from '../peers/all.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { floor } from '../peers/floor.ts';
import { defineScenario } from '../scenario.ts';
import { compareSizes, type SizedComparison } from '../sizes.ts';
import { renderTable } from '../table.ts';

const SIZES = [...new Set(BOUNDS.map(({ disks }) => disks))].sort((a, b) => a - b);

export const check = defineScenario<LabScenarioOptions, readonly SizedComparison[]>({
  name: 'check',
  summary: 'Whether the window is as short as it was: exit code 1 if a bound does not hold',
  commands: ['curl'],
  addOptions: (command) => {
    addLabOptions(command, { rounds: 7 });
  },
  measure: (options, progress) => {
    const contenders = [flashfreeze(), floor(), PEERS.fsfreeze];
    return compareSizes({ ...options, disks: SIZES }, contenders, progress);
  },
  render: renderCheck,
  judge: (figures) => brokenBounds(keptBounds(figures)),
});

function renderCheck(figures: readonly SizedComparison[]): string {
  const contenders = figures.flatMap((it) => it.contenders);
  return [
    renderTable(
      'What is bounded: medians, of ratios pair by pair',
      [
        { head: 'disks', value: ({ bound }) => bound.disks, decimals: 0 },
        { head: '', value: ({ bound }) => subjectOf(bound) },
        { head: 'measured', value: ({ measured }) => measured, decimals: 3 },
        { head: 'at most', value: ({ bound }) => mostOf(bound), decimals: 3 },
        { head: '', value: ({ holds }) => (holds ? '✓' : '✗') },
      ],
      keptBounds(figures),
    ),
    ...expeditedWarnings(contenders),
    ...failureLines(contenders),
  ].join('\n');
}
