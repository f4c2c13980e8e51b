import { chmodSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import {
  type QuiescePaths,
  readQuiesceConfiguration,
} from '../../src/quiesce/read-configuration.ts';
import { suite } from '../suite.ts';
import { codesOf, RULES, run, traceOf } from './scripts/quiesce-and-resume.ts';
import { ScriptFiles } from './scripts/script-files.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('mode of the workload file');
/** As the replaced extension leaves it on every machine. */
const TEMPLATE = '[workload]\nworkload_name = \ncommand_path = \ncredString = \nrole = master\n';
const WITHOUT_PASSWORD = '[workload]\nworkload_name = mysql\ncredString = --login-path=backup\n';
const WITH_PASSWORD =
  '[workload]\nworkload_name = mysql\ncredString = --user=x --password=geheim\n';

/** Working pre- and post-scripts beside a workload file. */
function pathsWith(files: ScriptFiles, text: string, mode: number): QuiescePaths {
  const workload = files.path('workload.conf');
  writeFileSync(workload, text);
  chmodSync(workload, mode);
  return { ...files.host([files.usual()]), workload };
}

for (const mode of [0o600, 0o644, 0o700, 0o744, 0o666]) {
  test(`a template that names no workload means none with mode 0${mode.toString(8)}: the scripts run`, async () => {
    const files = new ScriptFiles();
    const ran = await run(pathsWith(files, TEMPLATE, mode));
    assert.equal(codesOf(ran), []);
    assert.is(traceOf(files), 'pre\npost');
  });
}

const kinds: readonly [string, string, number, string][] = [
  ['without a password may be read by anybody', WITHOUT_PASSWORD, 0o744, 'database'],
  ['with a password may be executable for its owner', WITH_PASSWORD, 0o700, 'database'],
  ['with a password may not be read by others', WITH_PASSWORD, 0o744, 'scripts'],
  ['with a password may be read and written by root’s group', WITH_PASSWORD, 0o660, 'database'],
  ['without a password may not be written by others', WITHOUT_PASSWORD, 0o646, 'scripts'],
];

for (const [name, text, mode, kind] of kinds) {
  test(`a file that names a workload ${name}`, () => {
    const plan = readQuiesceConfiguration(pathsWith(new ScriptFiles(), text, mode), RULES);
    assert.is(plan?.kind, kind);
  });
}

test('a workload that is refused keeps no scripts from being run, and is told without its password', async () => {
  const files = new ScriptFiles();
  const ran = await run(pathsWith(files, WITH_PASSWORD, 0o644));
  assert.is(traceOf(files), 'pre\npost');
  const [finding] = ran.application.record().findings;
  assert.is(finding?.code, 501);
  assert.match(finding?.message ?? '', /workload\.conf holds a password .* chmod go-r/);
  assert.not.match(finding?.message ?? '', 'geheim');
});

test('a credString that would show a secret in the process list is refused, and told without it', async () => {
  for (const text of [
    'workload_name = postgres\ncredString = "host=db sslpassword=geheim"\n',
    'workload_name = postgres\ncredString = "host=db password=a geheim"\n',
    'workload_name = mariadb\ncredString = -u x -p geheim\n',
  ]) {
    const ran = await run(pathsWith(new ScriptFiles(), `[workload]\n${text}`, 0o600));
    const [finding] = ran.application.record().findings;
    assert.is(finding?.code, 501);
    assert.match(finding?.message ?? '', /workload\.conf: credString has .*; expected |service=/);
    assert.not.match(finding?.message ?? '', 'geheim');
  }
});

test.run();
