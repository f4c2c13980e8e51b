import { basename, dirname } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import {
  type AgentEnvironment,
  type HandlerEnvironment,
  readAgentEnvironment,
  readHandlerEnvironment,
  usualHandlerEnvironment,
} from './environment.ts';

/** Where one version of the extension is installed, and what the agent says for this command. */
export interface Installation {
  /** `<lib directory>/<Publisher.Type>-<version>` */
  readonly directory: string;
  /** The agent's: certificates, other versions of the extension. */
  readonly libDirectory: string;
  readonly version: string;
  readonly handler: HandlerEnvironment;
  /** Why `handler` has the default paths, not the agent's: FF_ENVIRONMENT_INVALID. */
  readonly handlerProblem?: FlashfreezeError;
  readonly agent: AgentEnvironment;
}

/**
 * Reads what the agent has prepared. A command runs in the extension's directory
 * (agent-contract.md, How a command is run); the environment names it too. The caller judges a
 * HandlerEnvironment.json that is missing or invalid: an extension that has lost it must still be removable.
 */
export async function readInstallation(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Installation> {
  const agent = readAgentEnvironment(environment);
  const directory = agent.extensionPath ?? process.cwd();
  return {
    directory,
    libDirectory: dirname(directory),
    version: agent.extensionVersion ?? versionOf(directory),
    agent,
    ...(await readHandler(directory)),
  };
}

async function readHandler(
  directory: string,
): Promise<Pick<Installation, 'handler' | 'handlerProblem'>> {
  try {
    return { handler: await readHandlerEnvironment(directory) };
  } catch (error) {
    if (!(error instanceof FlashfreezeError)) {
      throw error;
    }
    return { handler: usualHandlerEnvironment(directory), handlerProblem: error };
  }
}

/** `<Publisher.Type>` of the directory `<Publisher.Type>-<version>`. Pure. */
export function handlerNameOf(directory: string): string {
  return basename(directory).replace(/-\d+(\.\d+)*$/, '');
}

/** The last part of `<Publisher.Type>-<version>`; empty if the directory is named otherwise. */
function versionOf(directory: string): string {
  return /-(\d+(?:\.\d+)*)$/.exec(basename(directory))?.[1] ?? '';
}
