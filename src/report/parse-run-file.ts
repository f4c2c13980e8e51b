import * as v from 'valibot';
import { FlashfreezeError } from '../errors.ts';
import type { RunFile } from './run-file.ts';
import { runFileSchema } from './schemas/run-file.ts';

const FORMAT = runFileSchema.entries.format.literal;
const OTHER_FORMAT = v.object({
  format: v.pipe(v.string(), v.regex(/^flashfreeze-run\/\d{1,9}$/), v.notValue(FORMAT)),
});

/**
 * @param path only named in messages
 * @throws FlashfreezeError FF_RUN_FILE_INVALID, or FF_RUN_FILE_VERSION if a version of flashfreeze with another format
 * wrote it
 */
export function parseRunFile(text: string, path: string): RunFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw invalid(path, 'it is not JSON');
  }
  const format = v.safeParse(OTHER_FORMAT, content);
  if (format.success) {
    throw new FlashfreezeError(
      'FF_RUN_FILE_VERSION',
      `${path} was written by another version of flashfreeze (format ${format.output.format}; this version reads ${FORMAT}). Read it with that version.`,
    );
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
    `${path} is not the file of a run (${FORMAT}): ${reason}. Give a file that \`flashfreeze report --list\` shows.`,
  );
}
