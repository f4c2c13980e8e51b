import type { ConfigurationFault } from './plugin-host.ts';
import { readTrustedFile } from './trusted-file.ts';

/** The content of a script configuration (app-consistency.md, Pre and post scripts). */
export interface ScriptPlugin {
  readonly ok: true;
  readonly name: string;
  /** Empty if the file names none. */
  readonly appName: string;
  readonly pre: ScriptCommand;
  readonly post: ScriptCommand;
  /** Longest time of each run of a script; not yet limited by the time-out of the plug-in host. */
  readonly timeoutMs: number;
  readonly continueBackupOnFailure: boolean;
  readonly freezeFileSystems: boolean;
}

export interface ScriptCommand {
  /** Absolute; empty if the file names none. */
  readonly path: string;
  readonly parameters: readonly string[];
  /** Number of further runs after a failed run. */
  readonly retries: number;
}

export const DEFAULT_SCRIPT_TIMEOUT_MS = 10_000;
/** More retries would only look like a hang. */
const MAX_RETRIES = 100;

/** Only root may read or write the file: its parameters may hold a password. */
const FORBIDDEN_MODE = 0o177;

/**
 * Reads a script configuration. Code 316 if there is none, 317 if other users may read or write it, 305 if it cannot
 * be understood.
 */
export function readScriptPlugin(path: string): ScriptPlugin | ConfigurationFault {
  const file = readTrustedFile(path, FORBIDDEN_MODE);
  if (file.ok) {
    return parseScriptPlugin(file.text, path);
  }
  return { ok: false, code: file.kind === 'missing' ? 316 : 317, message: file.message };
}

/** @param path only named in messages */
export function parseScriptPlugin(text: string, path: string): ScriptPlugin | ConfigurationFault {
  try {
    return scriptPlugin(new Members(JSON.parse(text.replace(/^\ufeff/, ''))));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'is not JSON' : messageOf(error);
    return { ok: false, code: 305, message: `${path} ${reason}` };
  }
}

function scriptPlugin(members: Members): ScriptPlugin {
  const command = (kind: 'pre' | 'post'): ScriptCommand => ({
    path: members.text(`${kind}ScriptLocation`),
    parameters: members.texts(`${kind}ScriptParams`),
    retries: members.number(`${kind}ScriptNoOfRetries`, 0, MAX_RETRIES) ?? 0,
  });
  const seconds = members.number('timeoutInSeconds', 0.001, 1e6);
  return {
    ok: true,
    name: members.text('pluginName'),
    appName: members.text('appName'),
    pre: command('pre'),
    post: command('post'),
    timeoutMs: seconds === undefined ? DEFAULT_SCRIPT_TIMEOUT_MS : seconds * 1_000,
    continueBackupOnFailure: members.flag('continueBackupOnFailure', true),
    freezeFileSystems: members.flag('fsFreezeEnabled', true),
  };
}

/** The values that Python accepts as booleans in this file, as numbers and as words. */
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** The members of a JSON object, by name regardless of case; numbers and booleans are also accepted as strings. */
class Members {
  readonly #values = new Map<string, unknown>();

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new TypeError('is not a JSON object');
    }
    for (const [name, member] of Object.entries(value)) {
      this.#values.set(name.toLowerCase(), member);
    }
  }

  text(name: string): string {
    const value = this.#get(name) ?? '';
    if (typeof value !== 'string' || value.includes('\0')) {
      throw wrong(name, 'a string');
    }
    return value;
  }

  /** An array of strings; a single string counts as an array of one. */
  texts(name: string): string[] {
    const value = this.#get(name) ?? [];
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.map((item) => {
      if ((typeof item !== 'string' && typeof item !== 'number') || String(item).includes('\0')) {
        throw wrong(name, 'an array of strings');
      }
      return String(item);
    });
  }

  number(name: string, least: number, most: number): number | undefined {
    const value = this.#get(name);
    if (value === undefined || value === null || value === '') {
      return undefined;
    }
    const number = typeof value === 'string' ? Number(value) : value;
    if (typeof number !== 'number' || !(number >= least && number <= most)) {
      throw wrong(name, `a number from ${least} to ${most}`);
    }
    return number;
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#get(name) ?? otherwise;
    const flag = FLAGS.get(String(value).toLowerCase());
    if (flag === undefined) {
      throw wrong(name, 'true or false');
    }
    return flag;
  }

  #get(name: string): unknown {
    return this.#values.get(name.toLowerCase());
  }
}

/** The message does not repeat the value, which may be a secret. */
function wrong(name: string, expected: string): TypeError {
  return new TypeError(`has a ${name} that is not ${expected}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
