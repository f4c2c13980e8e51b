import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { settingsText } from '../../../src/lab/agent/settings-text.ts';
import { TransportCertificate } from '../../../src/lab/agent/transport-certificate.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import type { Drilled } from '../drills/drills.ts';

const LIBRARY = '/var/lib/waagent';
const NAME = 'Flashfreeze.FlashfreezeLinux';
const FOLDER = `${LIBRARY}/${NAME}-1.0.0.1`;
const CONFIG = `${FOLDER}/config`;
const LOG = `/var/log/azure/${NAME}`;
const LOOK_MS = 500;
const UNDER_WAY = '4';
const SUCCESS = '1';
const TASK_MS = 600_000;
/** Characters of a status file. */
export const SHOWN = 2000;

/** As the guest agent does it: install, enable with a task of every disk, and what the status says then. */
export async function runExtension(): Promise<Drilled> {
  await installExtension();
  await enableTask(0);
  const status = await finalStatusOf(0);
  return {
    ...{ name: 'extension', writers: [], later: [] },
    ...{ code: isSuccess(status) ? 0 : 1, said: status.slice(0, SHOWN) },
  };
}

/** Throws if it does not end with 0. */
export async function installExtension(): Promise<void> {
  await layOut();
  await handle('install', 0);
}

/** Hands over a task of every disk, or again the one of that number. Throws if enable does not end with 0. */
export async function enableTask(sequenceNumber: number): Promise<void> {
  await writeSettings(sequenceNumber);
  await handle('enable', sequenceNumber);
}

/** Of the detached task. */
export async function finalStatusOf(sequenceNumber: number): Promise<string> {
  let status = '';
  for (const endMs = Date.now() + TASK_MS; Date.now() < endMs; await sleep(LOOK_MS)) {
    status = await statusOf(sequenceNumber);
    if (isFinal(status)) {
      break;
    }
  }
  return status;
}

/** Empty if there is none. */
export async function statusOf(sequenceNumber: number): Promise<string> {
  const file = `${FOLDER}/status/${sequenceNumber}.status`;
  return existsSync(file) ? await readFile(file, 'utf8') : '';
}

export function isFinal(status: string): boolean {
  return ![undefined, UNDER_WAY].includes(codeOf(status));
}

export function isSuccess(status: string): boolean {
  return codeOf(status) === SUCCESS;
}

async function handle(command: 'install' | 'enable', sequenceNumber: number): Promise<void> {
  await runCommand('env', [
    ...['-C', FOLDER, `ConfigSequenceNumber=${sequenceNumber}`],
    `AZURE_GUEST_AGENT_EXTENSION_PATH=${FOLDER}`,
    ...['AZURE_GUEST_AGENT_EXTENSION_VERSION=1.0.0.1', './flashfreeze', 'extension', command],
  ]);
}

async function layOut(): Promise<void> {
  const [status, events] = [`${FOLDER}/status`, `${LOG}/events`];
  await mkdir(LIBRARY, { recursive: true, mode: 0o700 });
  await cp('/opt/flashfreeze', FOLDER, { recursive: true });
  for (const folder of [CONFIG, status, events]) {
    await mkdir(folder, { recursive: true });
  }
  const handlerEnvironment = {
    ...{ logFolder: LOG, configFolder: CONFIG, statusFolder: status, eventsFolder: events },
    heartbeatFile: `${FOLDER}/heartbeat.log`,
  };
  await writeFile(
    join(FOLDER, 'HandlerEnvironment.json'),
    JSON.stringify([{ name: NAME, version: 1.0, handlerEnvironment }]),
  );
}

async function writeSettings(sequenceNumber: number): Promise<void> {
  const blobs = (await readFile('/host/blobs', 'utf8')).trim().split('\n');
  const settings = {
    publicSettings: {
      ...{ taskId: `machine_${sequenceNumber}`, commandToExecute: 'snapshot', locale: 'en-US' },
      ...{ vmType: 'microsoft.compute/virtualmachines', objectStr: encode({ backupMetadata: [] }) },
      customSettings: JSON.stringify({ takeSnapshotFrom: 'onlyGuest' }),
    },
    protectedSettings: {
      kind: 'encrypted',
      value: { objectStr: encode({ blobSASUri: blobs }) },
    },
  } as const;
  const text = await settingsText(settings, await TransportCertificate.create(LIBRARY));
  await writeFile(join(CONFIG, `${sequenceNumber}.settings`), text);
}

/** Of a status file as docs/interfaces/status.md has it; undefined if it is none. */
function codeOf(status: string): string | undefined {
  const reports: readonly { readonly status?: { readonly code?: string } }[] = JSON.parse(
    status || '[]',
  );
  return reports[0]?.status?.code;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}
