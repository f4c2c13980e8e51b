import { isIPv4, isIPv6 } from 'node:net';

/** The address at which the host answers its own guests (host-api.md). */
export const DEFAULT_HOST_ADDRESS = '168.63.129.16';

/**
 * The origin of the host service.
 *
 * @param address `AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS`: an IP address or a name, perhaps with a
 * port. Any other value is ignored, so that a backup does not fail for it.
 */
export function hostOrigin(address: string | undefined): string {
  const given = address?.trim() ?? '';
  if (isIPv6(given)) {
    return `http://[${given}]`;
  }
  const [name = '', port] = given.split(':');
  const isName = isIPv4(name) || /^[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?$/i.test(name);
  const isPort = port === undefined || (/^\d{1,5}$/.test(port) && Number(port) <= 65_535);
  const isAddress = isName && isPort && given.split(':').length <= 2;
  return `http://${isAddress ? given : DEFAULT_HOST_ADDRESS}`;
}
