/** The symbolic code of a system's error, such as `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** The reason of a failure for messages: the symbolic errno of a system's error, or else the error as text. */
export function reasonOf(error: unknown): string {
  return errnoOf(error) ?? String(error);
}
