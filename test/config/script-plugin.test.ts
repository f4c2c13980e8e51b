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
    warnings: [],
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
  ['a location that is no text', '{"preScriptLocation":1}', 'preScriptLocation'],
  ['a NUL in a parameter', '{"preScriptParams":["a\\u0000b"]}', 'preScriptParams'],
];

for (const [name, text, words] of refused) {
  test(`refuses ${name} with code 305`, () => {
    const plugin = parseScriptPlugin(text, 'a.json');
    assert.ok(!plugin.ok);
    assert.is(plugin.code, 305);
    assert.match(plugin.message, words);
  });
}

test('a mistake in a member that only changes how scripts are run gives its default and a warning', () => {
  const { preScriptNoOfRetries, timeoutInSeconds } = {
    preScriptNoOfRetries: -1,
    timeoutInSeconds: 0,
  };
  const text = JSON.stringify({
    preScriptNoOfRetries,
    timeoutInSeconds,
    postScriptNoOfRetries: 'often',
    continueBackupOnFailure: 'no',
    fsFreezeEnabled: [],
    appName: { a: 'hush' },
  });
  const plugin = parseScriptPlugin(text, 'a.json');
  assert.ok(plugin.ok);
  assert.equal(
    [plugin.pre.retries, plugin.post.retries, plugin.timeoutMs, plugin.appName],
    [0, 0, DEFAULT_SCRIPT_TIMEOUT_MS, ''],
  );
  assert.equal([plugin.continueBackupOnFailure, plugin.freezeFileSystems], [true, true]);
  assert.equal(plugin.warnings.toSorted(), [
    'a.json: appName must be a string; none is used',
    'a.json: continueBackupOnFailure must be true or false; true is used',
    'a.json: fsFreezeEnabled must be true or false; true is used',
    'a.json: postScriptNoOfRetries must be a number of at least 0; 0 is used',
    'a.json: preScriptNoOfRetries must be a number of at least 0; 0 is used',
    'a.json: timeoutInSeconds must be a number of at least 0.001; 10 is used',
  ]);
});

test('takes numbers that are too large as the most, and words for people of any type', () => {
  const plugin = parseScriptPlugin(
    '{"preScriptNoOfRetries":1e6,"postScriptNoOfRetries":true,"timeoutInSeconds":1e12,"appName":12,"pluginName":false}',
    'a.json',
  );
  assert.ok(plugin.ok);
  assert.equal([plugin.pre.retries, plugin.post.retries], [100, 1]);
  assert.equal([plugin.timeoutMs, plugin.appName, plugin.name], [1e9, '12', 'false']);
  assert.equal(plugin.warnings, []);
});

/** What `str` of Python 3.11 makes of each item; of an object in the place of the list it goes through the names. */
const WORDS: readonly [json: string, words: readonly string[]][] = [
  ['[true,false,null,1.5,"x","",-3]', ['True', 'False', 'None', '1.5', 'x', '', '-3']],
  ['[8.0,1e5,12345678901234567890]', ['8.0', '100000.0', '12345678901234567890']],
  [
    `[{"a":1,"b":[true,null,"it's","say \\"hi\\"","both ' and \\""]},[],{}]`,
    [`{'a': 1, 'b': [True, None, "it's", 'say "hi"', 'both \\' and "']}`, '[]', '{}'],
  ],
  [String.raw`[["\\ \n\t\u0001\u0000é"]]`, [String.raw`['\\ \n\t\x01\x00é']`]],
  ['{"a":1,"b":2}', ['a', 'b']],
  ['null', []],
  ['"a b"', ['a b']],
];

for (const [json, words] of WORDS) {
  test(`gives scripts the words that Python makes of ${json}`, () => {
    const plugin = parseScriptPlugin(`{"preScriptParams":${json}}`, 'a.json');
    assert.ok(plugin.ok);
    assert.equal(plugin.pre.parameters, words);
    assert.equal(plugin.warnings, []);
  });
}

test('reads NaN and the infinities, which Python writes', () => {
  const plugin = parseScriptPlugin(
    '{"x":-Infinity,"appName":"NaN, Infinity","timeoutInSeconds":Infinity,"preScriptNoOfRetries":NaN}',
    'a.json',
  );
  assert.ok(plugin.ok);
  assert.equal([plugin.appName, plugin.timeoutMs, plugin.pre.retries], ['NaN, Infinity', 1e9, 0]);
  assert.equal(plugin.warnings, []);
});

test('a message never repeats a value, which may be a secret', () => {
  const plugin = parseScriptPlugin('{"preScriptParams":["hush\\u0000"]}', 'a.json');
  assert.not.ok(plugin.ok);
  assert.not.match(JSON.stringify(plugin), 'hush');
});

test.run();
