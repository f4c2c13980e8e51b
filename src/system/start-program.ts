import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Starts a program as spawn() does. Resolves when it runs, and then it has all streams that `options` asks for; it has
 * printed nothing yet.
 *
 * spawn() itself tells in three ways that a program does not start: it throws (ENOMEM, E2BIG), or it returns a child whose
 * `error` event comes later, with its streams (ENOENT, EACCES) or without them (EMFILE, EAGAIN), although its types promise
 * them. An `error` event that nothing listens to ends the process.
 *
 * @throws the system's error, in each of these cases
 */
export async function startProgram(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<ChildProcess> {
  const child = spawn(program, args, options);
  await once(child, 'spawn');
  return child;
}
