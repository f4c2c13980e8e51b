import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import { isBlank, isJsonObject, member, parseJson } from '../system/json.ts';

/** The paths that the agent prescribes (agent-contract.md, HandlerEnvironment.json). Paths are absolute. */
export interface HandlerEnvironment {
  /** `Publisher.Type` */
  readonly name: string;
  readonly logFolder: string;
  readonly configFolder: string;
  readonly statusFolder: string;
  readonly heartbeatFile: string | undefined;
  /** Undefined with old agents: then no events are written. */
  readonly eventsFolder: string | undefined;
}

const FILE_NAME = 'HandlerEnvironment.json';

/**
 * Reads the `HandlerEnvironment.json` of the extension's directory; an object counts as an array of one.
 *
 * @throws FlashfreezeError FF_ENVIRONMENT_INVALID naming the file and what is wrong with it
 */
export async function readHandlerEnvironment(directory: string): Promise<HandlerEnvironment> {
  const path = join(directory, FILE_NAME);
  const root = parse(await read(path), path);
  const entry: unknown = Array.isArray(root) ? root[0] : root;
  const environment = member(entry, 'handlerEnvironment');
  if (!isJsonObject(environment)) {
    throw invalid(path, 'has no object handlerEnvironment');
  }
  const optional = (name: string): string | undefined => {
    const value = member(environment, name);
    return typeof value === 'string' && !isBlank(value) ? resolve(directory, value) : undefined;
  };
  const required = (name: string): string => {
    const folder = optional(name);
    if (folder === undefined) {
      throw invalid(path, `has no path in handlerEnvironment.${name}`);
    }
    return folder;
  };
  const name = member(entry, 'name');
  return {
    name: typeof name === 'string' && !isBlank(name) ? name.trim() : nameOf(directory),
    logFolder: required('logFolder'),
    configFolder: required('configFolder'),
    statusFolder: required('statusFolder'),
    heartbeatFile: optional('heartbeatFile'),
    eventsFolder: optional('eventsFolder'),
  };
}

/** The agent's default paths, for when HandlerEnvironment.json cannot be read. */
export function usualHandlerEnvironment(directory: string): HandlerEnvironment {
  const name = nameOf(directory);
  const logFolder = join('/var/log/azure', name);
  return {
    name,
    logFolder,
    configFolder: resolve(directory, 'config'),
    statusFolder: resolve(directory, 'status'),
    heartbeatFile: undefined,
    eventsFolder: join(logFolder, 'events'),
  };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = errnoOf(error) ?? 'unknown error';
    throw invalid(path, `cannot be read (${code})`);
  }
}

function parse(text: string, path: string): unknown {
  try {
    return parseJson(text, path);
  } catch {
    throw invalid(path, 'is not valid JSON');
  }
}

/** The directory is named `<Publisher.Type>-<version>`. */
function nameOf(directory: string): string {
  return basename(resolve(directory)).replace(/-[\d.]+$/, '');
}

function invalid(path: string, problem: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_ENVIRONMENT_INVALID',
    `${path} ${problem}; the agent writes it when it installs the extension.`,
  );
}

/** The agent's variables in the environment of a command (agent-contract.md, How a command is run). */
export interface AgentEnvironment {
  /** `ConfigSequenceNumber`; undefined if it is missing or not a number. */
  readonly sequenceNumber: number | undefined;
  readonly extensionPath: string | undefined;
  readonly extensionVersion: string | undefined;
  /** The host service's address, such as `168.63.129.16`. */
  readonly wireProtocolAddress: string | undefined;
  /** Update only: the version that is replaced. */
  readonly updatingFromVersion: string | undefined;
  /** Update only: the version that the command belongs to. */
  readonly version: string | undefined;
  readonly disableExitCode: EarlierExitCode;
  readonly uninstallExitCode: EarlierExitCode;
}

/** The exit code of a command of the old version; undefined if the agent does not say. */
export type EarlierExitCode = number | 'NOT_RUN' | undefined;

/** Reads the agent's variables. Never throws: an invalid value counts as not set. */
export function readAgentEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): AgentEnvironment {
  const text = (name: string): string | undefined => {
    const value = environment[name]?.trim() ?? '';
    return value === '' ? undefined : value;
  };
  return {
    sequenceNumber: sequenceNumberOf(text('ConfigSequenceNumber')),
    extensionPath: text('AZURE_GUEST_AGENT_EXTENSION_PATH'),
    extensionVersion: text('AZURE_GUEST_AGENT_EXTENSION_VERSION'),
    wireProtocolAddress: text('AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS'),
    updatingFromVersion: text('AZURE_GUEST_AGENT_UPDATING_FROM_VERSION'),
    version: text('VERSION'),
    disableExitCode: exitCodeOf(text('AZURE_GUEST_AGENT_DISABLE_CMD_EXIT_CODE')),
    uninstallExitCode: exitCodeOf(text('AZURE_GUEST_AGENT_UNINSTALL_CMD_EXIT_CODE')),
  };
}

function sequenceNumberOf(text = ''): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

function exitCodeOf(text = ''): EarlierExitCode {
  if (text === 'NOT_RUN') {
    return text;
  }
  return /^-?\d{1,9}$/.test(text) ? Number(text) : undefined;
}
