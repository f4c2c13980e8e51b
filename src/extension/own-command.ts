/**
 * The command line of a hidden command of the extension: the program and runtime of this process.
 *
 * @param words after `flashfreeze extension`
 */
export function ownCommand(...words: readonly string[]): readonly [string, ...string[]] {
  const [, program = ''] = process.argv;
  return [process.execPath, ...process.execArgv, program, 'extension', ...words];
}
