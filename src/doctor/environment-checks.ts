import { describeClock } from '../system/clock-state.ts';
import { ok, warning } from './check.ts';
import type { Check, MachineFacts } from './doctor-types.ts';

export function checkClock({ clock }: MachineFacts): Check {
  const finding = describeClock(clock);
  if (clock?.synchronized === true) {
    return ok('clock', finding);
  }
  return clock === undefined
    ? warning('clock', finding, 'make sure that chrony, ntpd or systemd-timesyncd runs')
    : warning(
        'clock',
        `${finding}: --at and the expiry of a SAS are off by as much as the clock`,
        'enable chrony or systemd-timesyncd; look at chronyc tracking',
      );
}

export function checkOpenssl({ openssl }: MachineFacts): Check {
  return openssl === undefined
    ? warning(
        'openssl',
        'openssl(1) does not run: the extension cannot decrypt its settings',
        'install openssl; the command line does not need it',
      )
    : ok('openssl', openssl);
}

/** Elsewhere there is no such service. */
export function checkHost({ isAzureVm, hostProblem }: MachineFacts): Check[] {
  if (!isAzureVm) {
    return [];
  }
  return [
    hostProblem === undefined
      ? ok('host', 'Azure’s host service accepts connections')
      : warning(
          'host',
          `Azure’s host service cannot be reached (${hostProblem})`,
          'allow connections to 168.63.129.16 in the firewall of this VM',
        ),
  ];
}

export function checkAgent({ agentRunsExtensions }: MachineFacts): Check[] {
  return agentRunsExtensions
    ? []
    : [
        warning(
          'waagent',
          'Extensions.Enabled = n in /etc/waagent.conf: the agent starts no extension, so none takes a snapshot',
          'set Extensions.Enabled = y and restart the agent (waagent or walinuxagent); the command line does not need it',
        ),
      ];
}

export function checkAuthorities({ authorities: { source, problem } }: MachineFacts): Check {
  return problem === undefined
    ? ok('authorities', `besides the authorities of Node.js, those of ${source} are trusted`)
    : warning('authorities', problem, 'correct SSL_CERT_FILE in the environment of each run');
}

export function checkProxy({ proxies }: MachineFacts): Check {
  return proxies.length === 0
    ? ok('proxy', 'no proxy is set')
    : warning(
        'proxy',
        `a proxy is set (${proxies.join(', ')}): snapshot requests go through it, and its delay is part of the window`,
        'if the machine reaches the storage accounts directly, name them in NO_PROXY',
      );
}
