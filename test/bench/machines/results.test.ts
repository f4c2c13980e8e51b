import * as assert from 'uvu/assert';
import { type MachineResult, renderResults } from '../../../bench/machines/results.ts';
import { suite } from '../../suite.ts';

const test = suite('results of machines');

const PASSED: MachineResult = {
  ...{ machine: 'lvm', kernel: '6.1', release: '6.1.176', fileSystems: 7, disks: 7 },
  ...{ records: 12_345, windowMs: 310.4, seconds: 41.6, problems: [], earlier: false },
};

test('a table, the problems, and a closing line', () => {
  const failed = {
    ...PASSED,
    ...{
      machine: 'plain',
      release: '5.10.46',
      problems: ['/d/x: on nothing', 'snapshot ended with 1'],
    },
  };
  const text = renderResults([PASSED, { ...PASSED, earlier: true }, failed]);
  assert.match(text, /│ lvm {5}│ 6\.1\.176 │ +7 │ +7 │ +12345 │ +310 │ +42 │ passed {8}│/);
  assert.match(text, /│ lvm .*│ passed before │/);
  assert.match(text, /│ plain .*│ FAILED /);
  const closing = [
    'plain on 6.1: /d/x: on nothing',
    'plain on 6.1: snapshot ended with 1',
    '2 machines passed, 1 failed',
  ];
  assert.ok(text.endsWith(closing.join('\n')), text);
});

test('what writers felt of drills has a table', () => {
  const drill = {
    ...({ name: 'disk-detached', code: 0, said: '' } as const),
    writers: [
      { at: '/', longestMs: 5012.3 },
      { at: '/d/lun1', longestMs: 6001.2, error: 'EIO' },
    ],
    later: [{ at: '/d/lun1', error: 'EIO' }],
  };
  const text = renderResults([{ ...PASSED, drills: [drill] }]);
  assert.match(text, /│ lvm {5}│ 6\.1\.176 │ disk-detached │ +0 │ +5012 │ +6001 │ \/d\/lun1 +│/);
  assert.not.match(renderResults([PASSED]), 'Drills');
});

test.run();
