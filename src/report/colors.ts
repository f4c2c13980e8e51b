import { isatty } from 'node:tty';
import picocolors from 'picocolors';

const STDOUT = 1;

/**
 * Whether the terminal's escape sequences are printed: to a terminal, or where
 * FORCE_COLOR asks for them; NO_COLOR (https://no-color.org) has the last word.
 *
 * The library's own rule is not asked: where CI is set it colours what goes into
 * a file or a pipe, too.
 */
export function wantsColors(
  { NO_COLOR, FORCE_COLOR, TERM }: Readonly<NodeJS.ProcessEnv>,
  terminal: boolean,
): boolean {
  return !NO_COLOR && (Boolean(FORCE_COLOR) || (terminal && TERM !== 'dumb'));
}

export const colors = picocolors.createColors(wantsColors(process.env, isatty(STDOUT)));
