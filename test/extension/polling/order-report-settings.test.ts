import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  hideClearSecrets,
  readReportSettings,
} from '../../../src/extension/polling/order-report-settings.ts';
import type { OrderSettings, SnapshotOrder } from '../../../src/extension/polling/orders.ts';
import type { ReportSettings } from '../../../src/extension/settings/report-settings.ts';
import type { TaskContext } from '../../../src/extension/task/task-context.ts';
import { openTaskContext } from '../../../src/extension/task/task-context.ts';
import { newKey } from '../../../src/lab/agent/private-key.ts';
import { HeldLog } from '../../../src/log/held-log.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import { suite } from '../../suite.ts';
import { type AgentCertificate, makeAgentCertificate } from '../settings/agent-certificate.ts';

const test = suite('settings of an order');
const SIGNATURE = 'c2VjcmV0c2VjcmV0c2VjcmV0';
const LOG = `https://account.blob.example/logs/log.txt?sv=1&sig=${SIGNATURE}Log%3D`;
const STATUS = `https://account.blob.example/logs/status.txt?sv=1&sig=${SIGNATURE}Status%3D`;
const BLOBS = { loggingBlobSasUri: LOG, statusBlobSasUri: STATUS };
const NEVER = new AbortController().signal;

/** A context whose log is kept in memory. */
class Desk implements AsyncDisposable {
  readonly context: TaskContext;
  readonly lines: string[];
  readonly #directory: AsyncDisposable;

  private constructor(context: TaskContext, lines: string[], directory: AsyncDisposable) {
    this.context = context;
    this.lines = lines;
    this.#directory = directory;
  }

  static async open(libDirectory: string): Promise<Desk> {
    const directory = await mkdtempDisposable(join(tmpdir(), 'order-settings-'));
    const { path } = directory;
    const context = await openTaskContext(
      {
        directory: path,
        libDirectory,
        version: '1.0.0.1',
        handler: {
          name: 'Lab.Polling',
          logFolder: path,
          configFolder: path,
          statusFolder: path,
          heartbeatFile: undefined,
          eventsFolder: undefined,
        },
        agent: {
          sequenceNumber: undefined,
          extensionPath: undefined,
          extensionVersion: undefined,
          wireProtocolAddress: undefined,
          updatingFromVersion: undefined,
          version: undefined,
          disableExitCode: undefined,
          uninstallExitCode: undefined,
        },
      },
      0,
    );
    const lines: string[] = [];
    const redaction = new Redaction();
    const log = new HeldLog({ sink: { write: (line) => lines.push(line) }, redaction });
    return new Desk({ ...context, redaction, log }, lines, directory);
  }

  async read(settings: Partial<OrderSettings>): Promise<ReportSettings> {
    return await readReportSettings(this.context, orderWith(settings), NEVER);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

function orderWith(settings: Partial<OrderSettings>): SnapshotOrder {
  const none = { publicSettings: undefined, protectedSettings: undefined, thumbprint: undefined };
  return { snapshotId: 'snap-1', luns: undefined, settings: { ...none, ...settings } };
}

function assertFound({ logsBlobUri, statusBlobUri }: ReportSettings, circumstances: string): void {
  assert.is(logsBlobUri, LOG, circumstances);
  assert.is(statusBlobUri, STATUS, circumstances);
}

test('the blobs are found in the clear and encrypted, by the names of an order and of a task', async () => {
  await using certificate = await makeAgentCertificate();
  await using it = await Desk.open(certificate.libDirectory);
  const cms = certificate.encrypt(JSON.stringify(BLOBS));
  const cases: Readonly<Record<string, Partial<OrderSettings>>> = {
    object: { protectedSettings: BLOBS },
    'object as text': { protectedSettings: JSON.stringify(BLOBS) },
    'other case': {
      protectedSettings: { LoggingBlobSASUri: LOG, statusblobsasuri: `  ${STATUS}\n` },
    },
    'of a task': { protectedSettings: { logsBlobUri: LOG, statusBlobUri: STATUS } },
    public: { publicSettings: { logsBlobUri: LOG, statusBlobSasUri: STATUS } },
    encrypted: { protectedSettings: cms, thumbprint: certificate.thumbprint },
    'encrypted, small letters': {
      protectedSettings: cms.replace(/.{64}/g, '$&\n'),
      thumbprint: certificate.thumbprint.toLowerCase(),
    },
  };
  for (const [name, settings] of Object.entries(cases)) {
    assertFound(await it.read(settings), name);
  }
  assert.equal(it.lines, []);
});

test('the public settings name the task; without one it is the snapshot', async () => {
  await using it = await Desk.open('/nowhere');
  assert.is((await it.read({})).taskId, 'snap-1');
  const publicSettings = { taskId: 'task-7', locale: 'fr-FR' };
  const { taskId, locale } = await it.read({ publicSettings: JSON.stringify(publicSettings) });
  assert.equal({ taskId, locale }, publicSettings);
});

test('what cannot be read is logged, without what stands in it, and counts as not given', async () => {
  await using certificate = await makeAgentCertificate();
  await using other = await makeAgentCertificate(newKey());
  await using it = await Desk.open(certificate.libDirectory);
  const { thumbprint } = certificate;
  const cases: Readonly<Record<string, Partial<OrderSettings>>> = {
    'no thumbprint': { protectedSettings: certificate.encrypt(JSON.stringify(BLOBS)) },
    'not ours': { protectedSettings: other.encrypt(JSON.stringify(BLOBS)), thumbprint },
    'no certificate': {
      protectedSettings: other.encrypt(JSON.stringify(BLOBS)),
      thumbprint: other.thumbprint,
    },
    'no base64': { protectedSettings: `!${LOG}`, thumbprint },
    'half of it': { protectedSettings: JSON.stringify(BLOBS).slice(0, -5), thumbprint },
    'a list': { protectedSettings: [LOG], thumbprint },
    'a number': { protectedSettings: 7, thumbprint },
    'no JSON inside': { protectedSettings: certificate.encrypt(LOG), thumbprint },
    'a thumbprint that is none': {
      protectedSettings: certificate.encrypt(JSON.stringify(BLOBS)),
      thumbprint: '../../etc/passwd',
    },
    'a public part that is none': { publicSettings: 7 },
  };
  for (const [name, settings] of Object.entries(cases)) {
    it.lines.length = 0;
    const { logsBlobUri, statusBlobUri, taskId } = await it.read(settings);
    assert.equal(
      { logsBlobUri, statusBlobUri },
      { logsBlobUri: undefined, statusBlobUri: undefined },
    );
    assert.is(taskId, 'snap-1');
    assert.is(it.lines.length, 1, name);
    assert.match(it.lines.join(''), 'ignoring extensionSettings.');
    assert.not.match(it.lines.join(''), SIGNATURE);
  }
});

for (const kind of ['in the clear', 'encrypted'] as const) {
  test(`secrets that came ${kind} are known, and no log holds them`, async () => {
    await using certificate = await makeAgentCertificate();
    await using it = await Desk.open(certificate.libDirectory);
    const { context, lines } = it;
    const order = orderWith(settingsOf(kind, certificate));
    context.log.info(`negative control: ${SIGNATURE}Log%3D`);
    assert.match(lines.join(''), SIGNATURE);
    hideClearSecrets(context, order);
    lines.length = 0;
    context.log.info(`${SIGNATURE}Log%3D`);
    assert.is(lines.join('').includes(SIGNATURE), kind === 'encrypted');
    await readReportSettings(context, order, NEVER);
    lines.length = 0;
    context.log.info(`${LOG} ${SIGNATURE}Status%3D ${Buffer.from(STATUS).toString('base64')}`);
    assert.not.match(lines.join(''), SIGNATURE);
  });
}

function settingsOf(
  kind: 'in the clear' | 'encrypted',
  { encrypt, thumbprint }: AgentCertificate,
): Partial<OrderSettings> {
  return kind === 'encrypted'
    ? { protectedSettings: encrypt(JSON.stringify(BLOBS)), thumbprint }
    : { protectedSettings: BLOBS };
}

test.run();
