import { constants, type Stats } from 'node:fs';
import {
  type FileHandle,
  lstat,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../../errors.ts';
import { errnoOf } from '../../system/errno.ts';
import { parseWith } from '../../system/json.ts';
import { replaceContent } from '../../system/replace-file.ts';

/** `<configFolder>/<n>.settings` (agent-contract.md, Settings and sequence). */
export interface SettingsFile {
  readonly path: string;
  readonly sequenceNumber: number;
}

/** 65 disks with long SAS URIs, encrypted and in base64, are some 100 KiB. */
export const MAX_SETTINGS_BYTES = 16 * 1024 * 1024;

/**
 * The settings file of a sequence number; without a number the one modified last. Undefined if
 * there is none.
 *
 * @throws FlashfreezeError FF_SETTINGS_MISSING if the folder cannot be read
 */
export async function locateSettings(
  configFolder: string,
  sequenceNumber: number | undefined,
): Promise<SettingsFile | undefined> {
  if (sequenceNumber !== undefined) {
    const path = join(configFolder, `${sequenceNumber}.settings`);
    return (await fileAt(path)) === undefined ? undefined : { path, sequenceNumber };
  }
  const dated = [];
  for (const name of await namesIn(configFolder)) {
    const file = settingsFileNamed(name, configFolder);
    const found = file === undefined ? undefined : await fileAt(file.path);
    if (file !== undefined && found !== undefined) {
      dated.push({ file, modifiedMs: found.mtimeMs });
    }
  }
  dated.sort(
    (one, other) =>
      other.modifiedMs - one.modifiedMs || other.file.sequenceNumber - one.file.sequenceNumber,
  );
  return dated[0]?.file;
}

function settingsFileNamed(name: string, folder: string): SettingsFile | undefined {
  const sequenceNumber = Number(/^(\d+)\.settings$/.exec(name)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(sequenceNumber)
    ? { path: join(folder, name), sequenceNumber }
    : undefined;
}

/** Follows symbolic links; undefined if no regular file is behind the path. */
async function fileAt(path: string): Promise<Stats | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? found : undefined;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      return [];
    }
    throw new FlashfreezeError(
      'FF_SETTINGS_MISSING',
      `the configuration folder ${folder} cannot be read (${systemCode(error)}); expected a folder that root can read, as the agent makes it.`,
    );
  }
}

/**
 * The text of a settings file, without a byte order mark, and without NUL at the end, which a power cut leaves.
 *
 * @throws FlashfreezeError FF_SETTINGS_MISSING: no such file, or it cannot be read;
 * FF_SETTINGS_INVALID: not a regular file, longer than `MAX_SETTINGS_BYTES`, not UTF-8
 */
export async function readSettingsText(path: string): Promise<string> {
  try {
    // Without O_NONBLOCK, opening a pipe in the file's place would block until another process writes to it.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await regular(file, path);
    if (size > MAX_SETTINGS_BYTES) {
      throw invalid(`${path} has ${size} bytes; at most ${MAX_SETTINGS_BYTES} are read.`);
    }
    return decode(await file.readFile(), path);
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      throw error;
    }
    throw new FlashfreezeError(
      'FF_SETTINGS_MISSING',
      `the settings file ${path} cannot be read (${systemCode(error)}); expected a file that root can read, as the agent writes it.`,
    );
  }
}

async function regular(file: FileHandle, path: string): Promise<Stats> {
  const found = await file.stat();
  if (!found.isFile()) {
    throw invalid(`${path} is not a regular file.`);
  }
  return found;
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\0+$/, '');
  } catch {
    throw invalid(`${path} is not UTF-8 text.`);
  }
}

function invalid(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_SETTINGS_INVALID', message);
}

export type ScrubResult =
  /** The file holds no secrets, or no longer does. */
  { readonly ok: true } | { readonly ok: false; readonly message: string };

/**
 * Takes `protectedSettings` and the thumbprint out of a settings file: the new text is written
 * beside it and renamed into its place, with its mode, owner and times; its other content does not
 * change. A file that is not JSON is left unchanged. Never rejects: a folder that is not writable must
 * not cost a backup, and the secrets that stay in the file are encrypted.
 */
export async function scrubSettings(path: string): Promise<ScrubResult> {
  try {
    // A symbolic link stays one: the secrets are in the file behind it.
    const file = await realpath(path);
    const scrubbed = withoutSecrets(await readSettingsText(file));
    if (scrubbed !== undefined) {
      await replaceContent(file, scrubbed);
    }
    return { ok: true };
  } catch (error) {
    const reason = error instanceof FlashfreezeError ? error.message : systemCode(error);
    return { ok: false, message: `cannot remove the protected settings from ${path}: ${reason}` };
  }
}

const SECRET_MEMBERS = new Set(['protectedsettings', 'protectedsettingscertthumbprint']);

/** `JSON.rawJSON`, which the library's types do not have yet: text that is written unchanged. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/**
 * Undefined if there is nothing to take out. Numbers keep every digit. If members have equal names,
 * the reviver sees only the last, so the text is searched too.
 */
function withoutSecrets(text: string): string | undefined {
  if (text.trim() === '') {
    return undefined;
  }
  let found = /protectedSettings|\\u/i.test(text);
  const scrubbed = parseOrRefuse(text, (key, value, { source }) => {
    if (SECRET_MEMBERS.has(key.toLowerCase())) {
      found = true;
      return undefined;
    }
    return typeof value === 'number' && source !== undefined ? rawJSON(source) : value;
  });
  return found ? JSON.stringify(scrubbed) : undefined;
}

function parseOrRefuse(text: string, reviver: Parameters<typeof parseWith>[1]): unknown {
  try {
    return parseWith(text, reviver);
  } catch {
    throw invalid('it is not JSON.');
  }
}

/** How many old files of a kind stay in a folder (agent-contract.md, Settings and sequence). */
export const MAX_OLD_FILES = 60;

const KINDS = ['settings', 'status'] as const;
type Kind = (typeof KINDS)[number];

interface DatedFile {
  readonly name: string;
  readonly sequenceNumber: number;
  readonly modifiedNs: bigint;
}

/**
 * Renames every `<n>.settings` and `<n>.status` of a folder but the current ones to `<n>_settings`
 * and `<n>_status`, so that the agent reports the current sequence number only, and removes the oldest
 * of these beyond `MAX_OLD_FILES`. A settings file loses its secrets first. A file with a higher number
 * that is newer than the current one is left alone: the agent has just written it for the next command.
 *
 * Never rejects; returns each failure as a sentence for the log.
 */
export async function rotate(folder: string, current: number): Promise<readonly string[]> {
  const problems: string[] = [];
  const attempt = async (what: string, action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      problems.push(`${what} failed (${systemCode(error)})`);
    }
  };
  for (const kind of KINDS) {
    await attempt(`listing ${folder}`, async () => {
      for (const { name, sequenceNumber } of await outdated(folder, kind, current)) {
        const path = join(folder, name);
        await attempt(`renaming ${path}`, () =>
          retire(path, join(folder, `${sequenceNumber}_${kind}`), kind),
        );
      }
      for (const { name } of await excess(folder, kind)) {
        const path = join(folder, name);
        await attempt(`removing ${path}`, () => rm(path));
      }
    });
  }
  return [...new Set(problems)];
}

async function retire(from: string, to: string, kind: Kind): Promise<void> {
  if (kind === 'settings') {
    await scrubSettings(from);
  }
  await rename(from, to);
}

async function outdated(folder: string, kind: Kind, current: number): Promise<DatedFile[]> {
  const files = await datedFiles(folder, new RegExp(`^(\\d+)\\.${kind}$`));
  const currentNs = files.find((file) => file.sequenceNumber === current)?.modifiedNs;
  const isNext = (file: DatedFile): boolean =>
    file.sequenceNumber > current && currentNs !== undefined && file.modifiedNs > currentNs;
  return files.filter((file) => file.sequenceNumber !== current && !isNext(file));
}

async function excess(folder: string, kind: Kind): Promise<DatedFile[]> {
  const files = await datedFiles(folder, new RegExp(`^(\\d+)_${kind}$`));
  return files.sort(newestFirst).slice(MAX_OLD_FILES);
}

function newestFirst(one: DatedFile, other: DatedFile): number {
  return Number(other.modifiedNs - one.modifiedNs) || other.sequenceNumber - one.sequenceNumber;
}

async function datedFiles(folder: string, pattern: RegExp): Promise<DatedFile[]> {
  const files: DatedFile[] = [];
  for (const name of await readdir(folder)) {
    const digits = pattern.exec(name)?.[1];
    // A file that was removed meanwhile needs no rotation.
    const found =
      digits === undefined
        ? undefined
        : await lstat(join(folder, name), { bigint: true }).catch(() => undefined);
    if (found !== undefined && !found.isDirectory()) {
      files.push({ name, sequenceNumber: Number(digits), modifiedNs: found.mtimeNs });
    }
  }
  return files;
}

function systemCode(error: unknown): string {
  return errnoOf(error) ?? 'unknown error';
}
