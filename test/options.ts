/** @throws RangeError naming the option and what was expected */
export function parseCount(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new RangeError(
      `${option} must be a whole number from ${least} to ${most}, not "${text}"`,
    );
  }
  return value;
}

/**
 * What is said of options that cannot be meant: a single line.
 *
 * @param command as people call it, without options
 * @param error of parseArgs, which may say more than that, or of parseCount and its like
 */
export function misuseLine(command: string, error: unknown): string {
  // Of parseArgs' advice nothing is of use here: there are no positional arguments.
  const [problem = ''] = (error instanceof Error ? error.message : String(error)).split(
    /\.?(?:\n|\. |$)/,
  );
  return `${command}: ${problem}; see ${command} -- --help\n`;
}
