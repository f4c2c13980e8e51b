import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Guest } from './guest.ts';
import type { HandlerName } from './handler-package.ts';

export const LIBRARY_DIRECTORY = '/var/lib/waagent';

/** How the agent writes HandlerEnvironment.json. */
export interface EnvironmentStyle {
  readonly shape: 'array' | 'object';
  /** Old agents have no events folder. */
  readonly events: boolean;
  /** Where not, the newest settings file is meant. */
  readonly tellsSequenceNumber: boolean;
}

export const USUAL_STYLE: EnvironmentStyle = {
  shape: 'array',
  events: true,
  tellsSequenceNumber: true,
};

/** One version's directory and the folders that its HandlerEnvironment.json names, in the guest. */
export interface ExtensionFolders {
  readonly directory: string;
  readonly config: string;
  readonly status: string;
  readonly log: string;
  readonly events: string;
  readonly heartbeatFile: string;
}

export function extensionFolders({ name, version }: HandlerName): ExtensionFolders {
  const directory = `${LIBRARY_DIRECTORY}/${name}-${version}`;
  const log = `/var/log/azure/${name}`;
  return {
    directory,
    config: `${directory}/config`,
    status: `${directory}/status`,
    log,
    events: `${log}/events`,
    heartbeatFile: `${directory}/heartbeat.log`,
  };
}

/** Makes the folders and writes HandlerEnvironment.json. */
export async function prepareFolders(
  guest: Guest,
  { name }: HandlerName,
  folders: ExtensionFolders,
  style: EnvironmentStyle,
): Promise<void> {
  const closed = [folders.config, folders.status, ...(style.events ? [folders.events] : [])];
  await mkdir(guest.path(folders.log), { recursive: true });
  for (const folder of closed) {
    await mkdir(guest.path(folder), { recursive: true, mode: 0o700 });
  }
  const environment = {
    name,
    version: 1.0,
    handlerEnvironment: {
      logFolder: folders.log,
      configFolder: folders.config,
      statusFolder: folders.status,
      heartbeatFile: folders.heartbeatFile,
      ...(style.events ? { eventsFolder: folders.events } : {}),
    },
  };
  await writeFile(
    guest.path(folders.directory, 'HandlerEnvironment.json'),
    JSON.stringify(style.shape === 'array' ? [environment] : environment),
  );
}

/** All that the agent takes from an old version's directory to the new one's. */
export async function carryOver(
  guest: Guest,
  from: ExtensionFolders,
  to: ExtensionFolders,
): Promise<void> {
  const oldRecord = guest.path(from.directory, 'mrseq');
  if ((await readText(oldRecord)) !== undefined) {
    await cp(oldRecord, guest.path(to.directory, 'mrseq'));
  }
  for (const entry of await readdir(guest.path(from.status), { withFileTypes: true })) {
    if (entry.isFile()) {
      await cp(join(entry.parentPath, entry.name), guest.path(to.status, entry.name));
    }
  }
}

/** Where the platform's identity of the machine stands. */
export const HOSTING_ENVIRONMENT = `${LIBRARY_DIRECTORY}/HostingEnvironmentConfig.xml`;

/** Gives the machine an identity; a restored one gets another than the machine it is a copy of. */
export async function writeIdentity(guest: Guest, roleGuid: string): Promise<void> {
  const path = guest.path(HOSTING_ENVIRONMENT);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(
    path,
    `<?xml version="1.0" encoding="utf-8"?>
<HostingEnvironmentConfig version="1.0.0.0" goalStateIncarnation="1">
  <StoredCertificates>
    <StoredCertificate name="Stored0Microsoft.WindowsAzure.Plugins.RemoteAccess.PasswordEncryption" certificateId="sha1:0" storeName="My" configurationLevel="System" />
  </StoredCertificates>
  <Deployment name="lab" guid="{11111111-2222-3333-4444-555555555555}" incarnation="1" isNonCancellableTopologyChangeEnabled="false">
    <Service name="lab-service" guid="{00000000-0000-0000-0000-000000000000}" />
  </Deployment>
  <Incarnation number="1" instance="guest" guid="{66666666-7777-8888-9999-000000000000}" />
  <Role guid="{${roleGuid}}" name="guest" settleTimeSeconds="0" />
  <ApplicationSettings />
</HostingEnvironmentConfig>
`,
  );
}

/** Undefined if there is no such file. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
