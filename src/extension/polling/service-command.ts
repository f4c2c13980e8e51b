import type { Installation } from '../installation.ts';
import { ownCommand } from '../own-command.ts';

/** How the polling service is run. */
export interface ServiceCommand {
  readonly argv: readonly [string, ...string[]];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * What uploads and openssl(1) go by, as far as the agent's environment says it: proxies, trusted authorities. The
 * other case of a proxy's name counts too.
 */
const PASSED_ON = [
  ...['https_proxy', 'http_proxy', 'no_proxy', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'],
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'OPENSSL_CONF', 'OPENSSL_MODULES'],
] as const;

/** The program and runtime of this process, with the agent's environment variables of the extension. */
export function serviceCommand({ directory, version, agent }: Installation): ServiceCommand {
  const { wireProtocolAddress } = agent;
  return {
    argv: ownCommand('poll'),
    directory,
    environment: {
      PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      // As the payload's launcher has it; without its compile cache, because the service rarely starts.
      MALLOC_ARENA_MAX: '1',
      AZURE_GUEST_AGENT_EXTENSION_PATH: directory,
      AZURE_GUEST_AGENT_EXTENSION_VERSION: version,
      ...passedOn(process.env),
      ...(wireProtocolAddress === undefined
        ? {}
        : { AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS: wireProtocolAddress }),
    },
  };
}

/**
 * A proxy with a password is left out: units and notes of processes can be read by every user. It belongs in
 * the agent's configuration, which the service reads itself.
 */
export function passedOn(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const known = PASSED_ON.flatMap((name) => {
    const value = environment[name] ?? '';
    return value === '' || value.includes('@') ? [] : [[name, value] as const];
  });
  return Object.fromEntries(known);
}
