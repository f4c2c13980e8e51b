import * as assert from 'uvu/assert';
import { FreezeWindow } from '../../src/backup/window.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { suite } from '../suite.ts';

const test = suite('refused freeze');

test('a wave that may not be frozen any more, the time being over, ends the window and thaws the first', async () => {
  const thawed: number[] = [];
  const window = new FreezeWindow(
    {
      fileSystems: [
        { awaits: [0], thawsAfter: [1] },
        { awaits: [0], thawsAfter: [] },
      ],
      targets: [{ needs: [0, 1] }],
      sequential: false,
      waves: [[0], [1]],
    },
    {
      // As ArmedFreezer does where the deadline has passed or the guardian is gone.
      freeze: (fileSystems) => {
        if (fileSystems.includes(1)) {
          throw new FlashfreezeError('FF_INTERNAL', 'freezer: not armed');
        }
      },
      thaw: (fileSystems) => thawed.push(...fileSystems),
      fire: () => assert.unreachable('fired without a barrier'),
      cancelRequests: () => {},
      atBarrier: () => assert.unreachable('no barrier'),
    },
    { beforeRequests: () => {}, atBarrier: () => {}, afterAnswers: () => {} },
    [],
  );
  const ended = window.run();
  const stamps = { startNs: 1n, endNs: 2n };
  assert.not.throws(() => window.onFreezerEvent({ kind: 'frozen', fileSystem: 0, ...stamps }));
  assert.equal(thawed, [0]);
  window.onFreezerEvent({ kind: 'expired', atNs: 3n });
  window.onFreezerEvent({ kind: 'thawed', fileSystem: 0, wasFrozen: true, ...stamps });
  const { end, barrier } = await ended;
  assert.is(barrier, undefined);
  assert.is.not(end.kind, 'completed');
});

test.run();
