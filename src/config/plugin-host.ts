import type { ResultCode } from '../result-codes.ts';
import { type IniSection, parsePythonIni } from './python-ini.ts';
import { readTrustedFile } from './trusted-file.ts';

export const PLUGIN_HOST_PATH = '/etc/azure/VMSnapshotPluginHost.conf';
export const SCRIPT_PLUGIN_PATH = '/etc/azure/VMSnapshotScriptPluginConfig.json';

/** `pluginPath` of the plug-in that runs the scripts, in Azure's templates. */
const SCRIPT_RUNNER_PATH =
  /^(?:\/etc\/azure\/*|(?:\.\/)?(?:main\/)?tempPlugin\/ScriptRunner(?:\.py)?)$/;

/** Longest time that all scripts of one kind together may take (app-consistency.md). */
export const MAX_HOST_TIMEOUT_MS = 1_800_000;

/** Why a configuration file cannot be used, with the result code of this fault. */
export interface ConfigurationFault {
  readonly ok: false;
  readonly code: ResultCode;
  /** Names the file, the problem and the remedy. Holds no secrets. */
  readonly message: string;
}

/** The script configurations of the machine, and how long all of them together may take. */
export interface PluginHost {
  readonly ok: true;
  readonly timeoutMs: number;
  readonly plugins: readonly PluginEntry[];
  /** The parts that were ignored, as sentences for people. */
  readonly warnings: readonly string[];
}

export interface PluginEntry {
  readonly name: string;
  readonly configPath: string;
}

/** The configuration if there is no file. */
export function defaultPluginHost(scriptPluginPath: string = SCRIPT_PLUGIN_PATH): PluginHost {
  return {
    ok: true,
    timeoutMs: MAX_HOST_TIMEOUT_MS,
    plugins: [{ name: 'ScriptRunner', configPath: scriptPluginPath }],
    warnings: [],
  };
}

/** Group and others may read the file, only root may write it. */
const FORBIDDEN_MODE = 0o033;

/**
 * Reads the plug-in host configuration of pre- and post-scripts. If there is no file at the default path, the
 * built-in default is used; code 313 if a file at another path is missing. Code 314 if other users could have
 * written the file, 304 if it cannot be understood.
 *
 * @param scriptPluginPath the script configuration of a plug-in that names none
 */
export function readPluginHost(
  path: string = PLUGIN_HOST_PATH,
  scriptPluginPath: string = SCRIPT_PLUGIN_PATH,
): PluginHost | ConfigurationFault {
  const file = readTrustedFile(path, FORBIDDEN_MODE);
  if (file.ok) {
    return parsePluginHost(file.text, path, scriptPluginPath);
  }
  if (file.kind === 'missing' && path === PLUGIN_HOST_PATH) {
    return defaultPluginHost(scriptPluginPath);
  }
  return { ok: false, code: file.kind === 'missing' ? 313 : 314, message: file.message };
}

/** @param path only named in messages */
export function parsePluginHost(
  text: string,
  path: string,
  scriptPluginPath: string = SCRIPT_PLUGIN_PATH,
): PluginHost | ConfigurationFault {
  const fault = (reason: string): ConfigurationFault => ({
    ok: false,
    code: 304,
    message: `${path}: ${reason}`,
  });
  const { sections, problems } = parsePythonIni(text);
  const section = sections.get('pre_post');
  if (problems.length === 0 && sections.size === 0) {
    // An empty file names no scripts.
    return { ok: true, timeoutMs: MAX_HOST_TIMEOUT_MS, plugins: [], warnings: [] };
  }
  if (problems.length > 0 || section === undefined) {
    return fault(problems[0] ?? 'there is no section [pre_post]');
  }
  const warnings: string[] = [];
  const warn = (sentence: string): unknown => warnings.push(`${path}: ${sentence}`);
  const timeoutMs = timeoutIn(section, warn);
  const count = pluginCount(section, warn);
  const plugins = pluginEntries(section, count, scriptPluginPath);
  const missing = count - plugins.length;
  if (missing > 0) {
    return fault(`numberOfPlugins is ${count}, but ${missing} of them have no pluginName`);
  }
  return {
    ok: true,
    timeoutMs,
    plugins,
    warnings: [...warnings, ...pluginPathWarnings(section, path)],
  };
}

type Warn = (sentence: string) => unknown;

function timeoutIn(section: IniSection, warn: Warn): number {
  const most = MAX_HOST_TIMEOUT_MS / 1_000;
  const seconds = Number(section.get('timeoutinseconds') || most);
  if (seconds > 0 && seconds <= most) {
    return seconds * 1_000;
  }
  warn(
    seconds > most
      ? `timeoutInSeconds is more than ${most}, which is used instead`
      : `timeoutInSeconds is not a number of seconds above 0; ${most} is used`,
  );
  return MAX_HOST_TIMEOUT_MS;
}

/** A path says where a plug-in of the user's own lies, written in Python. */
function pluginPathWarnings(section: IniSection, path: string): string[] {
  return [...section]
    .filter(([key, value]) => /^pluginpath\d+$/.test(key) && !SCRIPT_RUNNER_PATH.test(value))
    .map(
      ([key, value]) =>
        `${path}: ${key} = ${value} is ignored, because plug-ins written in Python are not supported; name scripts that do their work in the file of pluginConfigPath`,
    );
}

/** The number of plug-ins; if the file does not give it, the number of plug-ins that have a name. */
function pluginCount(section: IniSection, warn: Warn): number {
  const text = section.get('numberofplugins') ?? '';
  if (/^\+?\d{1,3}$/.test(text)) {
    return Number(text);
  }
  if (text !== '') {
    warn('numberOfPlugins is not a whole number; every plug-in that has a name counts');
  }
  return [...section.keys()].filter((key) => /^pluginname\d+$/.test(key)).length;
}

/** The plug-ins are numbered from 0; files that number them from 1 are also understood. */
function pluginEntries(
  section: IniSection,
  count: number,
  scriptPluginPath: string,
): PluginEntry[] {
  const first = section.has('pluginname0') ? 0 : 1;
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  return numbers.flatMap((number) => {
    const name = section.get(`pluginname${number}`);
    const configPath = section.get(`pluginconfigpath${number}`) || scriptPluginPath;
    return name === undefined ? [] : [{ name, configPath }];
  });
}
