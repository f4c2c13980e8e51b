import { FlashfreezeError } from '../errors.ts';
import type { RestorePoint } from './restore-point.ts';

/** Candidates that a message names. */
const NAMED = 5;

/**
 * The restore point with this identifier, or the only one whose identifier begins so; letters of either case. Pure.
 *
 * @param hint what may not have been read, for people; empty: nothing
 * @throws FlashfreezeError FF_RESTORE_POINT_NOT_FOUND
 */
export function findRestorePoint(
  points: readonly RestorePoint[],
  text: string,
  hint = '',
): RestorePoint {
  const wanted = text.trim().toLowerCase();
  const exact = points.filter(({ id }) => id.toLowerCase() === wanted);
  const found =
    exact.length > 0 || wanted === ''
      ? exact
      : points.filter(({ id }) => id.toLowerCase().startsWith(wanted));
  const [first, ...others] = found;
  if (first === undefined) {
    throw new FlashfreezeError(
      'FF_RESTORE_POINT_NOT_FOUND',
      `there is no restore point ${text === '' ? '(empty)' : text} among the ${points.length} that were read; expected an identifier, or its beginning, as flashfreeze snapshots list shows it${hint === '' ? '' : `. ${hint}`}`,
    );
  }
  if (others.length > 0) {
    const named = found.slice(0, NAMED).map(({ id, host }) => `${id} (${host})`);
    const rest = found.length > NAMED ? ` and ${found.length - NAMED} more` : '';
    throw new FlashfreezeError(
      'FF_RESTORE_POINT_NOT_FOUND',
      `${found.length} restore points begin with ${text}: ${named.join(', ')}${rest}; expected more of the identifier of one, or --host if machines share it`,
    );
  }
  return first;
}
