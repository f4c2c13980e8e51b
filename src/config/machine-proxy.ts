import { proxyFor, readWaagentConfiguration } from './waagent.ts';

/**
 * Finds the proxy through which this machine reaches a URL, from the current configuration of the agent and the
 * environment; the returned function gives undefined if there is none.
 */
export function machineProxy(): (url: string) => string | undefined {
  const configuration = readWaagentConfiguration();
  return (url) => proxyFor(url, configuration, process.env);
}
