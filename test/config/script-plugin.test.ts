import * as assert from 'uvu/assert';
import { DEFAULT_SCRIPT_TIMEOUT_MS, parseScriptPlugin } from '../../src/config/script-plugin.ts';
import { suite } from '../suite.ts';

const test = suite('VMSnapshotScriptPluginConfig.json');

test('reads every member', () => {
  const text = JSON.stringify({
    pluginName: 'ScriptRunner',
    appName: 'shop',
    preScriptLocation: '/opt/pre.sh',
    postScriptLocation: '/opt/post.sh',
    preScriptParams: ['a', 'b c'],
    postScriptParams: [],
    preScriptNoOfRetries: 2,
    postScriptNoOfRetries: 1,
    timeoutInSeconds: 30,
    continueBackupOnFailure: false,
    fsFreezeEnabled: false,
    ScriptsExecutionPollTimeSeconds: 30,
  });
  assert.equal(parseScriptPlugin(text, 'a.json'), {
    ok: true,
    name: 'ScriptRunner',
    appName: 'shop',
    pre: { path: '/opt/pre.sh', parameters: ['a', 'b c'], retries: 2 },
    post: { path: '/opt/post.sh', parameters: [], retries: 1 },
    timeoutMs: 30_000,
    continueBackupOnFailure: false,
    freezeFileSystems: false,
  });
});

test('has defaults for what is missing', () => {
  const plugin = parseScriptPlugin('{}', 'a.json');
  assert.ok(plugin.ok);
  assert.is(plugin.timeoutMs, DEFAULT_SCRIPT_TIMEOUT_MS);
  assert.is(plugin.continueBackupOnFailure, true);
  assert.is(plugin.freezeFileSystems, true);
  assert.equal(plugin.pre, { path: '', parameters: [], retries: 0 });
});

test('takes numbers and booleans written as texts, a lone parameter, names in any case, a byte order mark', () => {
  const plugin = parseScriptPlugin(
    '\ufeff{"TimeoutInSeconds":"5","continuebackuponfailure":"False","preScriptParams":"x","postScriptParams":[7]}',
    'a.json',
  );
  assert.ok(plugin.ok);
  assert.is(plugin.timeoutMs, 5_000);
  assert.is(plugin.continueBackupOnFailure, false);
  assert.equal(plugin.pre.parameters, ['x']);
  assert.equal(plugin.post.parameters, ['7']);
});

test('takes 1 and 0 for true and false, as Python does', () => {
  const plugin = parseScriptPlugin('{"continueBackupOnFailure":0,"fsFreezeEnabled":1}', 'a.json');
  assert.ok(plugin.ok);
  assert.is(plugin.continueBackupOnFailure, false);
  assert.is(plugin.freezeFileSystems, true);
});

const refused: readonly [string, string, string][] = [
  ['what is not JSON', '{', 'not JSON'],
  ['an array', '[]', 'not a JSON object'],
  ['a time-out of 0', '{"timeoutInSeconds":0}', 'timeoutInSeconds'],
  ['a time-out in words', '{"timeoutInSeconds":"soon"}', 'timeoutInSeconds'],
  ['negative retries', '{"preScriptNoOfRetries":-1}', 'preScriptNoOfRetries'],
  ['a location that is no text', '{"preScriptLocation":1}', 'preScriptLocation'],
  ['parameters that are objects', '{"preScriptParams":[{}]}', 'preScriptParams'],
  ['a NUL in a parameter', '{"preScriptParams":["a\\u0000b"]}', 'preScriptParams'],
  ['a flag that is none', '{"fsFreezeEnabled":"maybe"}', 'fsFreezeEnabled'],
];

for (const [name, text, words] of refused) {
  test(`refuses ${name} with code 305`, () => {
    const plugin = parseScriptPlugin(text, 'a.json');
    assert.ok(!plugin.ok);
    assert.is(plugin.code, 305);
    assert.match(plugin.message, words);
  });
}

test('a message never repeats a value, which may be a secret', () => {
  const plugin = parseScriptPlugin('{"preScriptParams":[{"password":"hush"}]}', 'a.json');
  assert.not.match(JSON.stringify(plugin), 'hush');
});

test.run();
