import { FlashfreezeError } from '../../errors.ts';

/** The resource manager of a cloud. */
export interface ResourceManager {
  readonly origin: string;
  /** What a token for it is requested for. */
  readonly audience: string;
}

/** By `azEnvironment` of the instance metadata, in lower case. */
const HOSTS: Readonly<Record<string, string>> = {
  azurepubliccloud: 'management.azure.com',
  azureusgovernmentcloud: 'management.usgovcloudapi.net',
  azurechinacloud: 'management.chinacloudapi.cn',
  azuregermancloud: 'management.microsoftazure.de',
};

/**
 * The resource manager of the VM's cloud. Without a name of the cloud (old versions of the service), it is the public one.
 *
 * @throws FlashfreezeError FF_DISK_UNSUPPORTED for a cloud that is not known
 */
export function resourceManagerOf(environment: string): ResourceManager {
  const host = HOSTS[environment === '' ? 'azurepubliccloud' : environment.toLowerCase()];
  if (host === undefined) {
    throw new FlashfreezeError(
      'FF_DISK_UNSUPPORTED',
      `the instance metadata names the cloud ${JSON.stringify(environment.slice(0, 60))}, whose resource manager is not known; expected AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud or AzureGermanCloud. Nothing was frozen`,
    );
  }
  return { origin: `https://${host}`, audience: `https://${host}/` };
}
