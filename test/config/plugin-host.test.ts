import { existsSync } from 'node:fs';
import * as assert from 'uvu/assert';
import {
  defaultPluginHost,
  MAX_HOST_TIMEOUT_MS,
  PLUGIN_HOST_PATH,
  parsePluginHost,
  readPluginHost,
} from '../../src/config/plugin-host.ts';
import { suite } from '../suite.ts';

const test = suite('VMSnapshotPluginHost.conf');

/** As it stands on machines in the field. */
const USUAL = `[pre_post]
timeoutInSeconds = 1800
numberOfPlugins = 1
pluginName0 = ScriptRunner
pluginPath0 = ./tempPlugin/ScriptRunner.py
pluginConfigPath0 = /etc/azure/VMSnapshotScriptPluginConfig.json
`;

test('reads the usual file', () => {
  assert.equal(parsePluginHost(USUAL, 'a.conf'), defaultPluginHost());
});

test('reads several plugins, numbered from 0 or from 1, with a default configuration path', () => {
  for (const first of [0, 1]) {
    const host = parsePluginHost(
      `[pre_post]\ntimeoutInSeconds: 60\nnumberOfPlugins: 2\npluginName${first}: a\npluginConfigPath${first}: /a.json\npluginName${first + 1}: b`,
      'a.conf',
      '/usual.json',
    );
    assert.equal(host, {
      ok: true,
      timeoutMs: 60_000,
      plugins: [
        { name: 'a', configPath: '/a.json' },
        { name: 'b', configPath: '/usual.json' },
      ],
      warnings: [],
    });
  }
});

test('without a count every named plugin counts', () => {
  const host = parsePluginHost('[pre_post]\npluginName0=a\npluginName1=b', 'a.conf');
  assert.is(host.ok && host.plugins.length, 2);
});

test('holds a time-out over half an hour down, and says so', () => {
  const host = parsePluginHost('[pre_post]\ntimeoutInSeconds=7200', 'a.conf');
  assert.ok(host.ok);
  assert.is(host.timeoutMs, MAX_HOST_TIMEOUT_MS);
  assert.match(host.warnings.join(), 'a.conf: timeoutInSeconds is more than 1800');
});

const refused: readonly [string, string, string][] = [
  ['no section', 'numberOfPlugins=1', 'line 1'],
  ['another section', '[other]\nnumberOfPlugins=1', '[pre_post]'],
  ['a line that is none', '[pre_post]\nnonsense', 'line 2'],
  ['fewer names than plugins', '[pre_post]\nnumberOfPlugins=2\npluginName0=a', 'pluginName'],
];

for (const [name, text, words] of refused) {
  test(`refuses ${name} with code 304`, () => {
    const host = parsePluginHost(text, 'a.conf');
    assert.ok(!host.ok);
    assert.is(host.code, 304);
    assert.match(host.message, words);
  });
}

test('a number that is none gives its default and a warning', () => {
  for (const [line, words] of [
    ['numberOfPlugins=many', /numberOfPlugins is not a whole number/],
    ['timeoutInSeconds=soon', /timeoutInSeconds is not a number.*1800 is used/],
    ['timeoutInSeconds=0', /timeoutInSeconds is not a number.*1800 is used/],
  ] as const) {
    const host = parsePluginHost(`[pre_post]\n${line}\npluginName0=a`, 'a.conf');
    assert.ok(host.ok, line);
    assert.is(host.plugins.length, 1);
    assert.is(host.timeoutMs, MAX_HOST_TIMEOUT_MS);
    assert.match(host.warnings.join(), words);
  }
});

test('a number that Python reads is read, an empty one is the default', () => {
  const host = parsePluginHost(
    '[pre_post]\ntimeoutInSeconds=\nnumberOfPlugins=+1\npluginName0=a\npluginName1=b',
    'a.conf',
  );
  assert.ok(host.ok);
  assert.equal([host.plugins.length, host.timeoutMs, host.warnings], [1, MAX_HOST_TIMEOUT_MS, []]);
});

test('an empty file names no scripts, with line ends of any kind', () => {
  for (const text of ['', '\n', '# none\r\n', '\ufeff; none\r']) {
    const host = parsePluginHost(text, 'a.conf');
    assert.ok(host.ok, JSON.stringify(text));
    assert.equal([host.plugins, host.warnings], [[], []]);
  }
  assert.equal(parsePluginHost(USUAL.replaceAll('\n', '\r'), 'a.conf'), defaultPluginHost());
});

test('the folder of a plug-in written in Python is named with what to use instead; that of the template is not', () => {
  const warningsOf = (path: string): string => {
    const host = parsePluginHost(
      `[pre_post]\nnumberOfPlugins: 1\npluginName0: ScriptRunner\npluginPath0: ${path}\n`,
      'a.conf',
    );
    return host.ok ? host.warnings.join() : 'refused';
  };
  assert.is(warningsOf('/etc/azure'), '');
  assert.is(warningsOf('/etc/azure/'), '');
  assert.match(warningsOf('/opt/own'), /pluginpath0 = \/opt\/own is ignored.*name scripts/);
});

test('where there is no file at the usual place, the built-in default holds', () => {
  const host = readPluginHost(PLUGIN_HOST_PATH, '/b.json');
  assert.equal(host, existsSync(PLUGIN_HOST_PATH) ? host : defaultPluginHost('/b.json'));
});

test('one that was named and is missing: 313', () => {
  const host = readPluginHost('/nowhere/a.conf');
  assert.is(!host.ok && host.code, 313);
});

test.run();
