import { type LinkedProcess, processesWith } from '../system/process-links.ts';

/** The processes that use a folder's files: those whose program lies there, and shells that read the launcher. */
export function usersOf(folder: string): LinkedProcess[] {
  return processesWith(['exe'], (path) => path.startsWith(`${folder}/`));
}
