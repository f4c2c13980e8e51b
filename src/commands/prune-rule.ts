import { FlashfreezeError } from '../errors.ts';
import {
  AGE_EXPECTED,
  COUNT_EXPECTED,
  countOf,
  readRetention,
} from '../restore-points/read-retention.ts';
import { ageMsOf, isEmptyRule, type RetentionRule } from '../restore-points/retention.ts';
import type { PruneOptions, RuleOptions } from './snapshots-options.ts';

/**
 * The rule of the command line; without one, that of the configuration file.
 *
 * @throws FlashfreezeError FF_USAGE, FF_CONFIG_INVALID
 */
export function ruleFor(options: PruneOptions): RetentionRule {
  const given = ruleOf(options);
  const rule = isEmptyRule(given) ? readRetention() : given;
  if (isEmptyRule(rule) && options.incomplete !== true) {
    throw new FlashfreezeError(
      'FF_USAGE',
      'prune: expected a rule, e.g. --keep-daily 7 --keep-weekly 5 or --older-than 30d, or the section [Retention] in /etc/azure/vmbackup.conf, or --incomplete',
    );
  }
  return rule;
}

function ruleOf(options: RuleOptions): RetentionRule {
  return {
    last: count('--keep-last', options.keepLast),
    hourly: count('--keep-hourly', options.keepHourly),
    daily: count('--keep-daily', options.keepDaily),
    weekly: count('--keep-weekly', options.keepWeekly),
    monthly: count('--keep-monthly', options.keepMonthly),
    yearly: count('--keep-yearly', options.keepYearly),
    withinMs: parsed('--keep-within', options.keepWithin, ageMsOf, AGE_EXPECTED),
    olderThanMs: parsed('--older-than', options.olderThan, ageMsOf, AGE_EXPECTED),
  };
}

function count(option: string, text: string | undefined): number | undefined {
  return parsed(option, text, countOf, COUNT_EXPECTED);
}

/** An unset variable of a script is no rule, and must not remove everything. */
function parsed(
  option: string,
  text: string | undefined,
  read: (text: string) => number | undefined,
  expected: string,
): number | undefined {
  const value = text === undefined ? undefined : read(text);
  if (text !== undefined && value === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `${option} ${text === '' ? '(empty)' : text}: expected ${expected}`,
    );
  }
  return value;
}
