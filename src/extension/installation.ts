import { basename, dirname } from 'node:path';
import {
  type AgentEnvironment,
  type HandlerEnvironment,
  readAgentEnvironment,
  readHandlerEnvironment,
} from './environment.ts';

/** Where one version of the extension is installed, and what the agent says for this command. */
export interface Installation {
  /** `<lib directory>/<Publisher.Type>-<version>` */
  readonly directory: string;
  /** The agent's: certificates, other versions of the extension. */
  readonly libDirectory: string;
  readonly version: string;
  readonly handler: HandlerEnvironment;
  readonly agent: AgentEnvironment;
}

/**
 * Reads what the agent has prepared. A command runs in the extension's directory
 * (agent-contract.md, How a command is run); the environment names it too.
 *
 * @throws FlashfreezeError FF_ENVIRONMENT_INVALID
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
    handler: await readHandlerEnvironment(directory),
    agent,
  };
}

/** The last part of `<Publisher.Type>-<version>`; empty where the directory is named otherwise. */
function versionOf(directory: string): string {
  return /-(\d+(?:\.\d+)*)$/.exec(basename(directory))?.[1] ?? '';
}
