import * as v from 'valibot';
import { FlashfreezeError } from '../errors.ts';
import type { RunFile } from './run-file.ts';
import { runFileSchema } from './schemas/run-file.ts';

/**
 * @param path only named in messages
 * @throws FlashfreezeError FF_RUN_FILE_INVALID
 */
export function parseRunFile(text: string, path: string): RunFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw invalid(path, 'it is not JSON');
  }
  const parsed = v.safeParse(runFileSchema, content);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw invalid(path, `${v.getDotPath(issue) ?? 'the whole file'}: ${issue.message}`);
  }
  return parsed.output;
}

function invalid(path: string, reason: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_RUN_FILE_INVALID',
    `${path} is not the file of a run (${runFileSchema.entries.format.literal}): ${reason}. Give a file that \`flashfreeze report --list\` shows.`,
  );
}
