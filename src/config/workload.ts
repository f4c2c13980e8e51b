import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { splitArguments } from './argument-words.ts';
import type { ConfigurationFault } from './plugin-host.ts';
import { type IniSection, parsePythonIni, unquoted } from './python-ini.ts';
import { openTrustedFile } from './trusted-file.ts';

export const WORKLOAD_PATH = '/etc/azure/workload.conf';

/** The kinds by their names in workload.conf; the server's answer distinguishes mysql from mariadb. */
export type DatabaseKind = 'mysql' | 'postgres' | 'oracle';

const KINDS: Readonly<Record<string, DatabaseKind>> = {
  mysql: 'mysql',
  mariadb: 'mysql',
  postgres: 'postgres',
  postgresql: 'postgres',
  oracle: 'oracle',
};

/** The user that the client runs as if the file names none: the account that each package makes. */
const DEFAULT_USERS: Readonly<Record<DatabaseKind, string>> = {
  mysql: 'root',
  postgres: 'postgres',
  oracle: 'oracle',
};

export const DEFAULT_WORKLOAD_TIMEOUT_MS = 90_000;

/** The settings of `/etc/azure/workload.conf`, checked (app-consistency.md, Database workloads). */
export interface Workload {
  readonly ok: true;
  /** Path of the file. */
  readonly path: string;
  /** Name of the workload as written in the file. */
  readonly name: string;
  readonly kind: DatabaseKind;
  /** The client or its directory; if empty, the client is searched for. */
  readonly commandPath: string;
  /** Arguments of the client; for Oracle the whole logon as written. Secret: may hold a password. */
  readonly credentials: readonly string[];
  readonly user: string;
  /** True if the machine only backs up a replica. */
  readonly replicaOnly: boolean;
  /** Longest time that quiescing may take, and longest time that the server keeps a lock whose holder is silent. */
  readonly timeoutMs: number;
  readonly databases: readonly string[];
  /** `configuration_path`: path of oratab; empty if there is only one instance. */
  readonly instancesPath: string;
  readonly warnings: readonly string[];
}

/** The content of the file, and whether other users may read it. */
export type WorkloadFile =
  | (Workload & { readonly isReadByOthers: boolean })
  | ConfigurationFault
  | undefined;

const WRITABLE_BY_OTHERS = 0o022;
const READABLE_BY_OTHERS = 0o044;
const MAX_UNTRUSTED_BYTES = 65_536;

/**
 * Reads the workload configuration; undefined if there is no file at the default path, or if the file names no
 * workload: then neither its owner nor its mode matters, because the extension that this one replaces leaves a template
 * of mode 0744 that names no workload on every machine. Code 501 if the file cannot be understood, if other users may write to it,
 * or if a file at another path is missing; 502 and 503 for a wrong role or name; 507 if `ipc_folder` does not name a
 * directory (flashfreeze exchanges nothing through it).
 */
export function readWorkload(path: string = WORKLOAD_PATH): WorkloadFile {
  const file = openTrustedFile(path, 0);
  if (!file.ok) {
    const isNone = file.kind === 'missing' ? path === WORKLOAD_PATH : namesNone(path);
    return isNone ? undefined : { ok: false, code: 501, message: file.message };
  }
  using opened = file;
  const workload = parseWorkload(readFileSync(opened.descriptor, 'utf8'), path);
  if (workload !== undefined && (file.modeOfOthers & WRITABLE_BY_OTHERS) !== 0) {
    return { ok: false, code: 501, message: `${path} is writable by others; run chmod go-w on it` };
  }
  return workload?.ok === true
    ? { ...workload, isReadByOthers: (file.modeOfOthers & READABLE_BY_OTHERS) !== 0 }
    : workload;
}

/** Whether the file at a path that others than root control names no workload; nothing else of it is used. */
function namesNone(path: string): boolean {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(descriptor);
      const isReadable = stats.isFile() && stats.size <= MAX_UNTRUSTED_BYTES;
      return isReadable && parseWorkload(readFileSync(descriptor, 'utf8'), path) === undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}

/** The name in a line that gives one. */
const NAMED_WORKLOAD = /^[ \t]*workload_name[ \t]*[=:][ \t]*["']?(\w[^\s"']*)/im;

/** Words that people write for no workload; the replaced extension ignores every name that it does not know. */
const NO_WORKLOAD = /^(?:none|null|no|false|off|n\/a|-)?$/i;

/** @param path only named in messages */
export function parseWorkload(
  text: string,
  path: string,
): Workload | ConfigurationFault | undefined {
  const { sections, problems } = parsePythonIni(text, 'keep');
  const section = sections.get('workload');
  if (problems[0] !== undefined) {
    // What cannot be read may be the wrong file, or a note for people, but it asks for no database.
    if (NO_WORKLOAD.test(NAMED_WORKLOAD.exec(text)?.[1] ?? '')) {
      return undefined;
    }
    return { ok: false, code: 501, message: `${path}: ${problems[0]}` };
  }
  const name = section === undefined ? '' : textOf(section, 'workload_name', '');
  if (section === undefined || NO_WORKLOAD.test(name)) {
    return undefined;
  }
  const read = workload(section, name, path);
  return read.ok && sections.has('logbackup')
    ? {
        ...read,
        warnings: [
          ...read.warnings,
          `${path}: [logbackup] is not supported; the archived logs are not copied anywhere`,
        ],
      }
    : read;
}

function workload(section: IniSection, name: string, path: string): Workload | ConfigurationFault {
  const kind = Object.hasOwn(KINDS, name.toLowerCase()) ? KINDS[name.toLowerCase()] : undefined;
  const role = textOf(section, 'role', 'master').toLowerCase();
  const seconds = secondsIn(section);
  const credentials = credentialsIn(section.get('credstring') ?? '', kind);
  const ipcFolder = textOf(section, 'ipc_folder', '');
  const fault = (code: ConfigurationFault['code'], reason: string): ConfigurationFault => ({
    ok: false,
    code,
    message: `${path}: ${reason}`,
  });
  if (kind === undefined) {
    return fault(503, `workload_name = ${name}; expected mysql, mariadb, postgres or oracle`);
  }
  if (!ROLES.includes(role)) {
    return fault(502, `role = ${role}; expected ${ROLES.join(' or ')}`);
  }
  if (credentials === undefined) {
    return fault(501, 'credString has a quotation mark that is not closed');
  }
  if (ipcFolder !== '' && !isDirectory(ipcFolder)) {
    return fault(507, `ipc_folder = ${ipcFolder} is not a directory; make it, or remove the line`);
  }
  return {
    ok: true,
    path,
    name,
    kind,
    commandPath: textOf(section, 'command_path', ''),
    credentials,
    user: textOf(section, 'linux_user', DEFAULT_USERS[kind]),
    replicaOnly: isTrue(section.get('enforceslaveonly')) || role === 'slave',
    timeoutMs: seconds === undefined ? DEFAULT_WORKLOAD_TIMEOUT_MS : seconds * 1_000,
    databases: textOf(section, 'dbnames', '')
      .split(/[\s,;]+/)
      .filter((it) => it !== ''),
    instancesPath: textOf(section, 'configuration_path', ''),
    warnings: warningsOf(section, seconds).map((warning) => `${path}: ${warning}`),
  };
}

function warningsOf(section: IniSection, seconds: number | undefined): string[] {
  return [
    ...(seconds === undefined
      ? [
          `timeout is not a number of seconds above 0; ${DEFAULT_WORKLOAD_TIMEOUT_MS / 1_000} is used`,
        ]
      : []),
    ...(isTrue(section.get('customscriptenabled'))
      ? [
          'customScriptEnabled is not supported; the database is quiesced without the script. To run it, empty workload_name and name it as pre- or post-script in /etc/azure/VMSnapshotScriptPluginConfig.json',
        ]
      : []),
  ];
}

/** `timeout`; undefined if it makes no sense. */
function secondsIn(section: IniSection): number | undefined {
  const seconds = Number(textOf(section, 'timeout', String(DEFAULT_WORKLOAD_TIMEOUT_MS / 1_000)));
  return seconds > 0 && seconds < 1e6 ? seconds : undefined;
}

/**
 * The value as it is written; quotation marks group words. sqlplus itself parses the logon, so it gets the quotation
 * marks around a password in it.
 */
function credentialsIn(text: string, kind: DatabaseKind | undefined): string[] | undefined {
  if (kind !== 'oracle') {
    return splitArguments(text);
  }
  const isWhole = text.split('"').length % 2 === 1;
  return isWhole ? [unquoted(text)].filter((it) => it !== '') : undefined;
}

const ROLES: readonly string[] = ['master', 'slave'];

/** The value of a key; an empty value counts as missing. */
function textOf(section: IniSection, key: string, otherwise: string): string {
  return unquoted(section.get(key) ?? '') || otherwise;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isTrue(word: string | undefined): boolean {
  return /^(true|yes|on|1)$/i.test(unquoted(word ?? ''));
}
