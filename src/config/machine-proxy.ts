import { proxyFor, readWaagentConfiguration } from './waagent.ts';

/**
 * By which proxy this machine reaches a URL, by the agent's configuration and the environment as they
 * are now; undefined for none.
 */
export function machineProxy(): (url: string) => string | undefined {
  const configuration = readWaagentConfiguration();
  return (url) => proxyFor(url, configuration, process.env);
}
