import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { settingsText } from '../../../src/lab/agent/settings-text.ts';
import { TransportCertificate } from '../../../src/lab/agent/transport-certificate.ts';
import { tryCommand } from '../../../src/lab/run-command.ts';
import type { Drilled } from '../drills/drills.ts';

const LIBRARY = '/var/lib/waagent';
const NAME = 'Flashfreeze.FlashfreezeLinux';
const FOLDER = `${LIBRARY}/${NAME}-1.0.0.1`;
const LOG = `/var/log/azure/${NAME}`;
const LOOK_MS = 500;
const UNDER_WAY = '4';
const SUCCESS = '1';
const TASK_MS = 600_000;

/** As the guest agent does it: install, enable with a task of every disk, and what the status says then. */
export async function runExtension(): Promise<Drilled> {
  const settled = { name: 'extension', writers: [], later: [] } as const;
  await prepare();
  for (const command of ['install', 'enable']) {
    const { code, stdout, stderr } = await tryCommand('env', [
      ...['-C', FOLDER, 'ConfigSequenceNumber=0', `AZURE_GUEST_AGENT_EXTENSION_PATH=${FOLDER}`],
      ...['AZURE_GUEST_AGENT_EXTENSION_VERSION=1.0.0.1', './flashfreeze', 'extension', command],
    ]);
    if (code !== 0) {
      return { ...settled, code, said: `${command}: ${`${stdout}${stderr}`.trim().slice(-400)}` };
    }
  }
  const status = await finalStatus();
  return { ...settled, code: codeOf(status) === SUCCESS ? 0 : 1, said: status.slice(0, 2000) };
}

async function prepare(): Promise<void> {
  const [config, status, events] = [`${FOLDER}/config`, `${FOLDER}/status`, `${LOG}/events`];
  await mkdir(LIBRARY, { recursive: true, mode: 0o700 });
  await cp('/opt/flashfreeze', FOLDER, { recursive: true });
  for (const folder of [config, status, events]) {
    await mkdir(folder, { recursive: true });
  }
  const handlerEnvironment = {
    ...{ logFolder: LOG, configFolder: config, statusFolder: status, eventsFolder: events },
    heartbeatFile: `${FOLDER}/heartbeat.log`,
  };
  await writeFile(
    join(FOLDER, 'HandlerEnvironment.json'),
    JSON.stringify([{ name: NAME, version: 1.0, handlerEnvironment }]),
  );
  const blobs = (await readFile('/host/blobs', 'utf8')).trim().split('\n');
  const settings = {
    publicSettings: {
      ...{ taskId: 'machine_1', commandToExecute: 'snapshot', locale: 'en-US' },
      ...{ vmType: 'microsoft.compute/virtualmachines', objectStr: encode({ backupMetadata: [] }) },
      customSettings: JSON.stringify({ takeSnapshotFrom: 'onlyGuest' }),
    },
    protectedSettings: {
      kind: 'encrypted',
      value: { objectStr: encode({ blobSASUri: blobs }) },
    },
  } as const;
  const text = await settingsText(settings, await TransportCertificate.create(LIBRARY));
  await writeFile(join(config, '0.settings'), text);
}

/** Of the detached task. */
async function finalStatus(): Promise<string> {
  const file = `${FOLDER}/status/0.status`;
  let status = '';
  for (const endMs = Date.now() + TASK_MS; Date.now() < endMs; await sleep(LOOK_MS)) {
    status = existsSync(file) ? await readFile(file, 'utf8') : '';
    if (status !== '' && codeOf(status) !== UNDER_WAY) {
      return status;
    }
  }
  return status;
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
