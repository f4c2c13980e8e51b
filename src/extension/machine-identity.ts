import { link, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import { errnoOf } from '../system/errno.ts';
import { isJsonObject, member } from '../system/json.ts';
import { writeWhole } from '../system/replace-file.ts';

/**
 * Known to the backup service's other tools on the VM by this name: in the extension's directory the
 * role's guid of the machine that was last seen there, in `/etc/azure` the machine's lasting identity.
 */
const FILE_NAME = 'machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123358B';
/** In the directory of the backup service's other extension for Linux: its last characters differ. */
const OTHERS_FILE_NAME = 'machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C';

export const UNIQUE_MACHINE_ID_PATH = join('/etc/azure', FILE_NAME);

/**
 * The guid of this role instance, as the agent's `HostingEnvironmentConfig.xml` has it: attribute `guid`
 * of the first `Role`. Undefined if there is none.
 *
 * @param libDirectory the agent's, `/var/lib/waagent`
 */
export async function readRoleGuid(libDirectory: string): Promise<string | undefined> {
  const xml = await readText(join(libDirectory, 'HostingEnvironmentConfig.xml'));
  return xml === undefined ? undefined : roleGuid(xml);
}

/** Undefined if the text is not XML or holds no `Role` with a guid. */
export function roleGuid(xml: string): string | undefined {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    preserveOrder: true,
    processEntities: false,
    parseTagValue: false,
  });
  try {
    const guid = member(firstAttributes(parser.parse(xml.replace(/^\ufeff/, '')), 'Role'), 'guid');
    return typeof guid === 'string' && guid.trim() !== '' ? guid.trim() : undefined;
  } catch {
    return undefined;
  }
}

/** In document order; the parser keeps the attributes of an element beside it, as `:@`. */
function firstAttributes(nodes: unknown, name: string): unknown {
  if (!Array.isArray(nodes)) {
    return undefined;
  }
  for (const node of nodes.filter(isJsonObject)) {
    const found = Object.hasOwn(node, name)
      ? node[':@']
      : Object.values(node)
          .map((children) => firstAttributes(children, name))
          .find((attributes) => attributes !== undefined);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** The identity that was stored in the extension's directory; undefined if there is none. */
export async function readStoredIdentity(directory: string): Promise<string | undefined> {
  return firstLine(await readText(join(directory, FILE_NAME)));
}

/** The identity that the backup service's other extension for Linux stored; this extension may replace that one. */
export async function readOthersIdentity(directory: string): Promise<string | undefined> {
  return firstLine(await readText(join(directory, OTHERS_FILE_NAME)));
}

/** As it stands in the agent's file: the other extension compares the text. */
export async function storeOthersIdentity(directory: string, guid: string): Promise<void> {
  await writeWhole(join(directory, OTHERS_FILE_NAME), guid, { mode: 0o644 });
}

/** @throws what the system says; what was stored before is then still there */
export async function storeIdentity(directory: string, guid: string): Promise<void> {
  await writeWhole(join(directory, FILE_NAME), guid, { mode: 0o644 });
}

/**
 * True if the machine is not the one that the state in the extension's directory belongs to: it was
 * restored from a backup of that machine, and its sequence numbers start again. False if one of the two
 * is unknown.
 */
export function isRestoredMachine(
  current: string | undefined,
  stored: string | undefined,
): boolean {
  return current !== undefined && stored !== undefined && plain(current) !== plain(stored);
}

/** Without the braces, which not every writer has, and in one case. */
function plain(guid: string): string {
  return withoutBraces(guid).toLowerCase();
}

function withoutBraces(guid: string): string {
  return guid.trim().replace(/^\{/, '').replace(/\}$/, '');
}

/**
 * The machine's lasting identity (status.md, uniqueMachineId): the content of the file; if there is no file,
 * it is made from the role's guid, once. It stays when the extension is removed: others on the machine read it too. Never
 * rejects: if the file cannot be written, returns the guid itself; without a guid, the empty text.
 */
export async function uniqueMachineId(
  guid: string | undefined,
  path: string = UNIQUE_MACHINE_ID_PATH,
): Promise<string> {
  const known = firstLine(await readText(path));
  if (known !== undefined || guid === undefined) {
    return known ?? '';
  }
  const made = withoutBraces(guid);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeWhole(path, made, { mode: 0o644, place: keepFirst });
  } catch {
    return made;
  }
  return firstLine(await readText(path)) ?? made;
}

/** If two processes make it at the same time, both use the first; an empty file counts as missing. */
async function keepFirst(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (firstLine(await readText(path)) === undefined) {
      await rename(temporary, path);
    } else if (errnoOf(error) !== 'EEXIST') {
      throw error;
    }
  }
  await rm(temporary, { force: true });
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined);
}

function firstLine(text = ''): string | undefined {
  const [line = ''] = text
    .replace(/^\ufeff/, '')
    .trim()
    .split(/\r?\n/, 1);
  return line.trim() === '' ? undefined : line.trim();
}
