import { isatty } from 'node:tty';
import picocolors from 'picocolors';

const STDOUT = 1;

/**
 * Whether the terminal's escape sequences are printed: to a terminal, or if
 * FORCE_COLOR asks for them; NO_COLOR (https://no-color.org) overrides both.
 *
 * The library's own rule is not used: if CI is set, it also colours the output to
 * a file or a pipe.
 */
export function wantsColors(
  { NO_COLOR, FORCE_COLOR, TERM }: Readonly<NodeJS.ProcessEnv>,
  terminal: boolean,
): boolean {
  return !NO_COLOR && (Boolean(FORCE_COLOR) || (terminal && TERM !== 'dumb'));
}

export const colors = picocolors.createColors(wantsColors(process.env, isatty(STDOUT)));
