/** One file of the payload. */
export interface PayloadFile {
  /** In the zip, without a leading slash. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly isExecutable: boolean;
}

export function textFile(path: string, text: string, isExecutable = false): PayloadFile {
  return { path, content: Buffer.from(text), isExecutable };
}
