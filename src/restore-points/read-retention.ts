import { readFileSync } from 'node:fs';
import { type ConfigurationKey, readKeys } from '../config/configuration-keys.ts';
import { parsePythonIni } from '../config/python-ini.ts';
import { VM_BACKUP_CONFIGURATION_PATH } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import { ageMsOf, BUCKETS, type RetentionRule } from './retention.ts';

/** The number of restore points that a rule keeps. */
export function countOf(text: string): number | undefined {
  // Only digits are accepted: Number('') is 0.
  return /^\d{1,6}$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}

export const COUNT_EXPECTED = 'a whole number from 1, e.g. 7';
export const AGE_EXPECTED = 'a number from 1 followed by h, d or w, e.g. 30d; for months 180d';

function age(
  name: string,
  set: (ms: number) => Partial<RetentionRule>,
): ConfigurationKey<RetentionRule> {
  const read = (value: string): Partial<RetentionRule> | undefined => {
    const ms = ageMsOf(value);
    return ms === undefined ? undefined : set(ms);
  };
  return { name, expected: AGE_EXPECTED, read };
}

/** The keys of `[Retention]`: `keepLast`, `keepHourly`, … and two ages. */
export const RETENTION_KEYS: readonly ConfigurationKey<RetentionRule>[] = [
  ...BUCKETS.map(
    (bucket): ConfigurationKey<RetentionRule> => ({
      name: `keep${bucket.charAt(0).toUpperCase()}${bucket.slice(1)}`,
      expected: COUNT_EXPECTED,
      read: (value) => {
        const count = countOf(value);
        return count === undefined ? undefined : { [bucket]: count };
      },
    }),
  ),
  age('keepWithin', (withinMs) => ({ withinMs })),
  age('olderThan', (olderThanMs) => ({ olderThanMs })),
];

/**
 * The rule in the section `[Retention]`; empty if there is no file or no such section. A mistake is never passed over: what
 * the rule should have kept would be deleted.
 *
 * @throws FlashfreezeError FF_CONFIG_INVALID
 */
export function readRetention(path: string = VM_BACKUP_CONFIGURATION_PATH): RetentionRule {
  return parseRetention(textOf(path), path);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') {
      return '';
    }
    throw invalid(
      `cannot read ${path} (${errno}), where [Retention] may stand; make it readable, or give the rule on the command line`,
    );
  }
}

/** @param path only named in messages */
export function parseRetention(text: string, path: string): RetentionRule {
  const { sections, problems } = parsePythonIni(text);
  const section = sections.get('Retention');
  if (section === undefined) {
    return {};
  }
  if (problems.length > 0) {
    throw invalid(`${path}: ${problems.join('; ')}. Correct it, because prune follows [Retention]`);
  }
  const { settings, mistakes } = readKeys(section, RETENTION_KEYS, { path, section: 'Retention' });
  if (mistakes[0] !== undefined) {
    throw invalid(mistakes[0]);
  }
  return settings;
}

function invalid(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_CONFIG_INVALID', message);
}
