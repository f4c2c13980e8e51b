import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { errnoOf } from '../../system/errno.ts';
import { handlerNameOf } from '../installation.ts';

/** A line of every unit of flashfreeze, and of no other. */
export const UNIT_MARK =
  'Description=Snapshots of this machine that its host asks for (flashfreeze)';

/**
 * Whose unit has the name. The replaced extension uses the same name, does not remove its unit, and does not stop it.
 * `left`: not of flashfreeze, and its extension is gone, or is an older version of this one.
 */
export type UnitHolder =
  | { readonly kind: 'none' }
  | { readonly kind: 'own' }
  | { readonly kind: 'left'; readonly sentence: string }
  | { readonly kind: 'other'; readonly sentence: string };

/**
 * Reads the unit. What belongs to an extension that is installed under another name is that extension's.
 *
 * @param path of the unit
 * @param directory of this extension
 * @throws the system's error
 */
export async function holderOf(path: string, directory: string): Promise<UnitHolder> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return { kind: 'none' };
    }
    throw error;
  }
  const lines = text.split('\n').map((line) => line.trim());
  const its = directoryIn(lines);
  if (its === undefined) {
    return { kind: 'other', sentence: `${path} is not from flashfreeze, and is left alone` };
  }
  const isInstalledElsewhere = handlerNameOf(its) !== handlerNameOf(directory) && existsSync(its);
  if (isInstalledElsewhere) {
    const sentence = `${path} belongs to the extension in ${its}, and is left alone; remove one of the two extensions`;
    return { kind: 'other', sentence };
  }
  return lines.includes(UNIT_MARK)
    ? { kind: 'own' }
    : {
        kind: 'left',
        sentence: `${path} is not from flashfreeze, and is left alone (it is for ${its})`,
      };
}

/** The directory that the service is run in: that of its extension. */
function directoryIn(lines: readonly string[]): string | undefined {
  const line = lines.findLast((it) => it.startsWith('WorkingDirectory='));
  const path = line?.slice(line.indexOf('=') + 1).replaceAll('%%', '%');
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
