import { isJsonObject, parseWith, type Reviver } from '../system/json.ts';
import type { ConfigurationFault } from './plugin-host.ts';
import { pythonText } from './python-words.ts';
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
  /** Members that were ignored, as sentences for people. */
  readonly warnings: readonly string[];
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
/** The time-out of the plug-in host is shorter in any case. */
const MAX_TIMEOUT_S = 1e6;

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
    return scriptPlugin(new Members(parseWith(text, asPythonWrites), path));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'is not JSON' : messageOf(error);
    return { ok: false, code: 305, message: `${path} ${reason}` };
  }
}

/** Numbers that JavaScript would write in another way than Python, as text: 8.0, and whole numbers of many digits. */
const asPythonWrites: Reviver = (_key, value, { source = '' }) => {
  if (!Number.isInteger(value)) {
    return value;
  }
  return /[.e]/i.test(source) ? `${value}.0` : Number.isSafeInteger(value) ? value : source;
};

function scriptPlugin(members: Members): ScriptPlugin {
  const command = (kind: 'pre' | 'post'): ScriptCommand => ({
    path: members.text(`${kind}ScriptLocation`),
    parameters: members.texts(`${kind}ScriptParams`),
    retries: Math.min(members.number(`${kind}ScriptNoOfRetries`, 0, 0), MAX_RETRIES),
  });
  const seconds = members.number('timeoutInSeconds', 0.001, DEFAULT_SCRIPT_TIMEOUT_MS / 1_000);
  return {
    ok: true,
    name: members.label('pluginName'),
    appName: members.label('appName'),
    pre: command('pre'),
    post: command('post'),
    timeoutMs: Math.min(seconds, MAX_TIMEOUT_S) * 1_000,
    continueBackupOnFailure: members.flag('continueBackupOnFailure', true),
    freezeFileSystems: members.flag('fsFreezeEnabled', true),
    warnings: members.warnings,
  };
}

/** The values that Python accepts as booleans in this file, as numbers and as words. */
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/**
 * The members of a JSON object, by name regardless of case; numbers and booleans are also accepted as strings. A mistake
 * in a member that only changes how the scripts are run gives a warning and its default: the scripts matter more.
 */
class Members {
  readonly warnings: string[] = [];
  readonly #values = new Map<string, unknown>();
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#path = path;
    if (!isJsonObject(value)) {
      throw new TypeError('is not a JSON object');
    }
    for (const [name, member] of Object.entries(value)) {
      this.#values.set(name.toLowerCase(), member);
    }
  }

  /** For people: text, or what can be shown as text. */
  label(name: string): string {
    const value = this.#get(name) ?? '';
    const isWord = ['string', 'number', 'boolean'].includes(typeof value);
    if (!isWord) {
      this.#warn(name, 'a string', 'none');
    }
    return isWord ? String(value) : '';
  }

  /** @throws TypeError if the member is no string */
  text(name: string): string {
    const value = this.#get(name) ?? '';
    if (typeof value !== 'string' || value.includes('\0')) {
      throw wrong(name, 'a string');
    }
    return value;
  }

  /**
   * An array of any values; a single value counts as an array of one, and an object as its names.
   *
   * @throws TypeError if a text has a NUL
   */
  texts(name: string): string[] {
    const value = this.#get(name) ?? [];
    const list: unknown[] = Array.isArray(value)
      ? value
      : isJsonObject(value)
        ? Object.keys(value)
        : [value];
    const words = list.map(pythonText);
    if (words.some((word) => word.includes('\0'))) {
      throw wrong(name, 'an array of strings without NUL');
    }
    return words;
  }

  number(name: string, least: number, otherwise: number): number {
    const value = this.#get(name) ?? '';
    if (value === '') {
      return otherwise;
    }
    const number = typeof value === 'object' ? Number.NaN : Number(value);
    if (number >= least) {
      return number;
    }
    this.#warn(name, `a number of at least ${least}`, String(otherwise));
    return otherwise;
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#get(name) ?? otherwise;
    const flag = FLAGS.get(String(value).toLowerCase());
    if (flag === undefined) {
      this.#warn(name, 'true or false', String(otherwise));
    }
    return flag ?? otherwise;
  }

  #warn(name: string, expected: string, used: string): void {
    this.warnings.push(`${this.#path}: ${name} must be ${expected}; ${used} is used`);
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
