import { tryCommand } from '../../src/lab/run-command.ts';

/** A peer freezes one file system after the other: 256 take some 10 s if none has dirty data. */
const LIMIT_MS = 90_000;

/**
 * Lets somebody freeze, and thaws in his place where he takes too long or fails: fsfreeze(8), the SDK
 * and the guest agent have no guardian. The thaws run in processes of their own, all at once.
 */
export async function thawingBehind<T>(
  mountPoints: readonly string[],
  freeze: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => void thawAll(mountPoints), LIMIT_MS);
  try {
    return await freeze();
  } catch (error) {
    await thawAll(mountPoints);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Whatever is not frozen is left as it is. */
async function thawAll(mountPoints: readonly string[]): Promise<void> {
  await Promise.all(mountPoints.map((path) => tryCommand('fsfreeze', ['--unfreeze', path])));
}
