/** A shorter text of letters, digits and separators is rather the name of something, e.g. of a disk or a host, than a password. */
const MIN_CHARACTERS = 6;

/** `name=value` and `--name=value` */
const NAMED = /^-{0,2}[A-Za-z_][\w-]*=(.+)$/s;
/** `backup`, `Backup`, `BACKUP`, `PostgreSQL`; random letters have shorter runs of small or capital ones. */
const WORD = '(?:[A-Z]?[a-z]{2,}(?![a-z])|[A-Z]{2,}(?![A-Z]))+';
/** An option, a path, a number with its separators, a word, or words with separators: `ops@example.com`, `nightly-backup`. */
const ORDINARY = new RegExp(`^[-/]|^[\\d.,:_-]*$|^${WORD}(?:[-_.:@]${WORD})*$`);

/**
 * The parameters of a script that may be passwords, for the redaction of what the script prints. To replace ordinary ones
 * as well would make every message unreadable: the word `data` is also part of mount points. Pure.
 */
export function secretsInParameters(parameters: readonly string[]): string[] {
  return parameters
    .map((parameter) => NAMED.exec(parameter)?.[1] ?? parameter)
    .filter((value) => !ORDINARY.test(value))
    .filter((value) => value.length >= MIN_CHARACTERS || /[^\w.:-]/.test(value));
}
