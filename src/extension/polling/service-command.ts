import { join } from 'node:path';
import type { Installation } from '../installation.ts';

/** How the polling service is run. */
export interface ServiceCommand {
  readonly argv: readonly [string, ...string[]];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The same program and runtime that run now, with what the agent tells of the extension. */
export function serviceCommand({ directory, version, agent }: Installation): ServiceCommand {
  const [, program = ''] = process.argv;
  const { wireProtocolAddress } = agent;
  return {
    argv: [process.execPath, ...process.execArgv, program, 'extension', 'poll'],
    directory,
    environment: {
      PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
      AZURE_GUEST_AGENT_EXTENSION_PATH: directory,
      AZURE_GUEST_AGENT_EXTENSION_VERSION: version,
      ...(wireProtocolAddress === undefined
        ? {}
        : { AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS: wireProtocolAddress }),
    },
  };
}
