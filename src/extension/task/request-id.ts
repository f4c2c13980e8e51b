/** The service takes 1,024 characters; the number of the disk follows. */
const MOST_CHARACTERS = 1_000;

/**
 * The first part of `x-ms-client-request-id`: the task's id, with `_` for what a header cannot carry. An id of the
 * service is ASCII; another one must not cost the backup. Pure.
 */
export function requestIdOf(taskId: string): string {
  return taskId.replace(/[^\x20-\x7e]/g, '_').slice(0, MOST_CHARACTERS);
}
