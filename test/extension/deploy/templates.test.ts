import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import * as assert from 'uvu/assert';
import packageJson from '../../../package.json' with { type: 'json' };
import { interpretSettings } from '../../../src/extension/settings/task-settings.ts';
import { withDefaults } from '../../../src/package/deploy-templates.ts';
import { DEFAULT_NAME } from '../../../src/package/options.ts';
import { suite } from '../../suite.ts';

const test = suite('deployment templates');

const FOLDER = join(import.meta.dirname, '../../../src/extension/deploy');
const NAMES = ['vm', 'scale-set'] as const;
/** What may be set, and where (settings.md, Extension resource). */
const PUBLIC = [
  'commandStartTimeUTCTicks',
  'commandToExecute',
  'customSettings',
  'locale',
  'objectStr',
  'taskId',
  'vmType',
];
const PROTECTED = [
  'customSettings',
  'logsBlobUri',
  'objectStr',
  'snapshotTaskToken',
  'statusBlobUri',
];

interface Extension {
  readonly apiVersion: string;
  readonly type: string;
  readonly properties: {
    readonly settings: Readonly<Record<string, unknown>>;
    readonly protectedSettings?: Readonly<Record<string, unknown>>;
  };
}

interface Template {
  readonly parameters: Readonly<Record<string, { type: string; defaultValue?: unknown }>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly resources: readonly Extension[];
}

interface Evaluated {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly protectedSettings: Readonly<Record<string, unknown>>;
}

/** Deploys a template in thought: as far as its settings go, its language is JavaScript with these functions. */
function settingsOf(name: string, given: Readonly<Record<string, unknown>>): Evaluated {
  const { parameters, variables = {}, resources } = templateOf(name);
  const evaluate = (text: unknown): unknown => {
    const [, expression] = /^\[(.*)\]$/.exec(String(text)) ?? [];
    return expression === undefined ? text : runInNewContext(expression, functions);
  };
  const functions = {
    parameters: (key: string) => given[key] ?? evaluate(parameters[key]?.defaultValue),
    variables: (key: string) => evaluate(variables[key]),
    base64: (text: string) => Buffer.from(text).toString('base64'),
    string: (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value)),
    createObject: (key: string, value: unknown) => ({ [key]: value }),
    add: (a: number, b: number) => a + b,
    mul: (a: number, b: number) => a * b,
    utcNow: () => new Date().toISOString(),
    dateTimeToEpoch: (time: string) => Math.floor(Date.parse(time) / 1_000),
  };
  const evaluateAll = (settings: Readonly<Record<string, unknown>> = {}): Record<string, unknown> =>
    Object.fromEntries(Object.entries(settings).map(([key, text]) => [key, evaluate(text)]));
  const properties = resources[0]?.properties;
  return {
    settings: evaluateAll(properties?.settings),
    protectedSettings: evaluateAll(properties?.protectedSettings),
  };
}

function textOf(file: string): string {
  return readFileSync(join(FOLDER, file), 'utf8');
}

function templateOf(name: string): Template {
  return JSON.parse(textOf(`${name}.json`)) as Template;
}

test('every template is there in both languages', () => {
  assert.equal(
    readdirSync(FOLDER).sort(),
    NAMES.flatMap((name) => [`${name}.bicep`, `${name}.json`]).sort(),
  );
});

test('both languages declare the same parameters, and use each of them', () => {
  for (const name of NAMES) {
    const bicep = textOf(`${name}.bicep`);
    const declared = [...bicep.matchAll(/^param (\w+)/gm)].map(([, parameter]) => parameter ?? '');
    const { parameters } = templateOf(name);
    assert.equal(Object.keys(parameters), declared, name);
    for (const parameter of declared) {
      assert.match(textOf(`${name}.json`), `parameters('${parameter}')`);
      assert.ok((bicep.match(new RegExp(`\\b${parameter}\\b`, 'g')) ?? []).length > 1, parameter);
    }
  }
});

test('a template uses no parameter that it does not declare', () => {
  for (const name of NAMES) {
    const { parameters } = templateOf(name);
    for (const [, used = ''] of textOf(`${name}.json`).matchAll(/parameters\('(\w+)'\)/g)) {
      assert.ok(used in parameters, used);
    }
  }
});

test('both languages name the same resources, settings and versions', () => {
  for (const name of NAMES) {
    const bicep = textOf(`${name}.bicep`);
    for (const { type, apiVersion, properties } of templateOf(name).resources) {
      assert.match(bicep, `'${type}@${apiVersion}'`);
      const names = [properties.settings, properties.protectedSettings ?? {}].flatMap(Object.keys);
      for (const setting of names) {
        assert.match(bicep, new RegExp(`^ +${setting}: `, 'm'));
      }
    }
  }
});

test('only settings that exist are set, and secrets are protected', () => {
  for (const name of NAMES) {
    for (const { properties } of templateOf(name).resources) {
      assert.equal(
        Object.keys(properties.settings).filter((setting) => !PUBLIC.includes(setting)),
        [],
      );
      assert.equal(
        Object.keys(properties.protectedSettings ?? {}).filter(
          (setting) => !PROTECTED.includes(setting),
        ),
        [],
      );
      assert.not.match(JSON.stringify(properties.settings), /disks|BlobUri/);
    }
  }
});

test('parameters that hold a SAS are secure in both languages', () => {
  const { parameters } = templateOf('vm');
  for (const secret of ['disks', 'statusBlobUri', 'logsBlobUri']) {
    assert.match(parameters[secret]?.type ?? '', /^secure/i);
    assert.match(textOf('vm.bicep'), new RegExp(`@secure\\(\\)\\nparam ${secret} `));
  }
});

test('what the templates set is what the extension understands', () => {
  const disks = { blobSASUri: ['https://a.blob.core.windows.net/vhds/os.vhd?sp=rw&sig=s'] };
  const metadata = [{ Key: 'purpose', Value: 'test' }];
  const vm = settingsOf('vm', { disks, metadata, taskId: 'nightly-1' });
  const task = interpretSettings(vm.settings, vm.protectedSettings);
  assert.is(task.command, 'snapshot');
  assert.is(task.taskId, 'nightly-1');
  assert.equal(
    task.blobs.map(({ url }) => url),
    disks.blobSASUri,
  );
  assert.equal(task.metadata, [['purpose', 'test']]);
  assert.is(task.custom.takeSnapshotFrom, 'onlyGuest');
  assert.is(task.statusBlobUri, undefined);
  assert.ok(Math.abs((task.start?.at.getTime() ?? 0) - Date.now()) < 60_000);
  assert.equal(task.warnings, []);
  const scaleSet = settingsOf('scale-set', {});
  assert.is(interpretSettings(scaleSet.settings, undefined).command, 'install');
});

test('publisher, type and version are those of the package by default', () => {
  for (const name of NAMES) {
    const { publisher, extensionType, typeHandlerVersion } = templateOf(name).parameters;
    assert.ok(packageJson.version.startsWith(`${typeHandlerVersion?.defaultValue}.`));
    assert.match(
      textOf(`${name}.bicep`),
      `typeHandlerVersion string = '${typeHandlerVersion?.defaultValue}'`,
    );
    assert.is(`${publisher?.defaultValue}.${extensionType?.defaultValue}`, DEFAULT_NAME);
    assert.match(textOf(`${name}.bicep`), `publisher string = '${publisher?.defaultValue}'`);
    assert.match(
      textOf(`${name}.bicep`),
      `extensionType string = '${extensionType?.defaultValue}'`,
    );
  }
});

test('a template with the defaults of a package differs in nothing else', () => {
  const handler = { publisher: 'Contoso', type: 'SnapshotLinux', version: '2.3.4.5' };
  for (const name of NAMES) {
    for (const file of [`${name}.bicep`, `${name}.json`]) {
      const before = textOf(file).split('\n');
      const after = withDefaults(file, textOf(file), handler).split('\n');
      const changed = after.filter((line, index) => line !== before[index]);
      assert.is(after.length, before.length);
      assert.equal(
        changed.map((line) => /['"]([^'"]*)['"],?$/.exec(line)?.[1]),
        ['Contoso', 'SnapshotLinux', '2.3'],
      );
    }
  }
});

test('a template whose default cannot be replaced is refused', () => {
  assert.throws(
    () =>
      withDefaults('x.bicep', "param publisher string = 'a'\n", {
        ...{ publisher: 'b', type: 'c', version: '1.0.0.0' },
      }),
    /x\.bicep has no default of extensionType/,
  );
});

test.run();
