import { readFileSync } from 'node:fs';
import { FlashfreezeError } from '../errors.ts';
import { closestName } from './closest-name.ts';
import { type IniSection, parsePythonIni } from './python-ini.ts';
import { openTrustedFile } from './trusted-file.ts';

/** What the timer of `flashfreeze setup` gives to `flashfreeze snapshot --conf`. */
export const SNAPSHOT_CONF_PATH = '/etc/flashfreeze/snapshot.conf';

const SECTIONS = ['Snapshot', 'Retention'] as const;
const WRITABLE_BY_OTHERS = 0o022;

/** The file's sections, their keys and values not checked yet. */
export interface SnapshotConf {
  readonly path: string;
  readonly snapshot: IniSection;
  /** Undefined if nothing is to be pruned. */
  readonly retention: IniSection | undefined;
  /** Permission bits of users that are not root. */
  readonly modeOfOthers: number;
}

/**
 * Reads the file. It decides what root runs, so only root may write to it.
 *
 * @throws FlashfreezeError FF_CONFIG_INVALID
 */
export function readSnapshotConf(path: string): SnapshotConf {
  const file = openTrustedFile(path, WRITABLE_BY_OTHERS);
  if (!file.ok) {
    throw invalid(`${file.message}; expected a file of root’s that others cannot write to`);
  }
  using opened = file;
  const { modeOfOthers } = opened;
  return { ...parseSnapshotConf(readFileSync(opened.descriptor, 'utf8'), path), modeOfOthers };
}

/** @param path only named in messages */
export function parseSnapshotConf(text: string, path: string): Omit<SnapshotConf, 'modeOfOthers'> {
  const { sections, problems, repeated } = parsePythonIni(text);
  const [problem] = problems;
  if (problem !== undefined) {
    throw invalid(`${path}: ${problem}. Correct it, or begin the line with #`);
  }
  const [again] = repeated;
  if (again !== undefined) {
    throw invalid(`${path}: ${again}; expected each key once, with commas between several values`);
  }
  const other = [...sections.keys()].find((name) => !SECTIONS.some((known) => known === name));
  if (other !== undefined) {
    throw invalid(
      `${path}: there is no section [${other}]; did you mean [${closestName(other, SECTIONS)}]? The sections are ${SECTIONS.map((name) => `[${name}]`).join(' and ')}.`,
    );
  }
  return {
    path,
    snapshot: sections.get('Snapshot') ?? new Map(),
    retention: sections.get('Retention'),
  };
}

function invalid(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_CONFIG_INVALID', message);
}
