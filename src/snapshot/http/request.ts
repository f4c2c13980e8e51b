/** One request, ready to be sent: no part of it is built while anything is frozen. */
export interface PreparedRequest {
  readonly method: 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT';
  /** Path and query, as on the request line. Secret. */
  readonly path: string;
  /** Names and values, alternating. */
  readonly headers: readonly string[];
  readonly body?: Buffer;
}
