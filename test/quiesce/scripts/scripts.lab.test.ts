import * as assert from 'uvu/assert';
import { PLUGIN_HOST_PATH } from '../../../src/config/plugin-host.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { readQuiesceConfiguration, secretsOf } from '../../../src/quiesce/read-configuration.ts';
import { suite } from '../../suite.ts';
import { codesOf, RULES, run, traceOf } from './quiesce-and-resume.ts';
import { ScriptFiles } from './script-files.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('pre- and post-scripts');

test('runs both with their parameters, and owes the post-script meanwhile', async () => {
  const files = new ScriptFiles();
  const ran = await run(
    files.host([
      files.usual({ preScriptParams: ['a', 'b c'], postScriptParams: ['d'], appName: 'shop' }),
    ]),
    { meanwhile: () => assert.is(traceOf(files), 'pre a b c') },
  );
  assert.is(traceOf(files), 'pre a b c\npost d');
  assert.is(ran.before, 'freeze');
  assert.equal(codesOf(ran), []);
  assert.equal(ran.pending, [
    {
      ...{
        kind: 'post-script',
        path: files.path('post.sh'),
        configPath: files.path('plugin.json'),
      },
      ...{ retries: 0, preScript: files.path('pre.sh'), timeoutMs: 10_000 },
    },
  ]);
  assert.ok(ran.isDone);
  const { name, held } = ran.application.record();
  assert.is(name, 'scripts shop');
  assert.ok(held !== undefined && held.toNs > held.fromNs);
});

test('a post-script without parameters needs no configuration later', async () => {
  const files = new ScriptFiles();
  const { pending } = await run(files.host([files.usual({ preScriptParams: ['s3cretpw'] })]));
  assert.equal(
    pending.map((it) => Object.keys(it).includes('configPath')),
    [false],
  );
});

test('parameters that may be passwords are secrets of the run', () => {
  const files = new ScriptFiles();
  const params = { preScriptParams: ['freeze', 'hush1234'], postScriptParams: ['-x', 's3cretpw'] };
  const plan = readQuiesceConfiguration(files.host([files.usual(params)]), RULES);
  assert.equal(secretsOf(plan), ['hush1234', 's3cretpw']);
});

test('a second resume runs nothing a second time', async () => {
  const files = new ScriptFiles();
  const { application } = await run(files.host([files.usual()]));
  await application.resume();
  assert.is(traceOf(files), 'pre\npost');
});

test('where there is no file at all there is nothing to quiesce; nor where only the host file is', () => {
  const files = new ScriptFiles();
  const paths = files.host([files.path('none.json')]);
  assert.is(readQuiesceConfiguration(paths, RULES), undefined);
  const none = { ...paths, pluginHost: PLUGIN_HOST_PATH };
  assert.is(readQuiesceConfiguration(none, RULES), undefined);
});

test('a note of what is owed that cannot be removed does not cost the record', async () => {
  const files = new ScriptFiles();
  const ran = await run(files.host([files.usual()]), {
    settle: () => Promise.reject(new Error('EROFS')),
  });
  assert.is(traceOf(files), 'pre\npost');
  assert.equal(codesOf(ran), []);
  assert.ok(ran.application.record().held !== undefined);
  assert.match(ran.notes, /could not be removed.*EROFS/);
});

test.run();
