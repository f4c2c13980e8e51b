import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtempDisposable,
  open,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { FlashfreezeError } from '../../../src/errors.ts';
import {
  locateSettings,
  MAX_SETTINGS_BYTES,
  readSettingsText,
  rotate,
  scrubSettings,
} from '../../../src/extension/settings/settings-file.ts';
import { suite } from '../../suite.ts';

const test = suite('settings files');

const SECRET = 'MIIByAYJKoZIhvcNAQcDoIIBuTCC';
const THUMBPRINT = '1BE9A13AA1321C7C515EF109746998BAB6D86FD1';

function settings(publicSettings: unknown): string {
  return JSON.stringify({
    runtimeSettings: [
      {
        handlerSettings: {
          protectedSettingsCertThumbprint: THUMBPRINT,
          protectedSettings: SECRET,
          publicSettings,
        },
      },
    ],
  });
}

function temporaryFolder() {
  return mkdtempDisposable(join(tmpdir(), 'flashfreeze-settings-'));
}

/** A file with a time of modification, in seconds of 2026. */
function fileAt(path: string, seconds: number, content = '{}'): void {
  writeFileSync(path, content);
  const time = 1_795_000_000 + seconds;
  utimesSync(path, time, time);
}

test('the file of the sequence number is taken, whatever else there is', async () => {
  await using folder = await temporaryFolder();
  fileAt(join(folder.path, '3.settings'), 1);
  fileAt(join(folder.path, '4.settings'), 2);
  assert.deepEqual(await locateSettings(folder.path, 3), {
    path: join(folder.path, '3.settings'),
    sequenceNumber: 3,
  });
  assert.equal(await locateSettings(folder.path, 5), undefined);
  assert.equal(await locateSettings(join(folder.path, 'missing'), 3), undefined);
});

test('without a number the file modified last is taken; of two, the higher number', async () => {
  await using folder = await temporaryFolder();
  const newest = async () => (await locateSettings(folder.path, undefined))?.sequenceNumber;
  assert.equal(await newest(), undefined);
  fileAt(join(folder.path, '9.settings'), 10);
  fileAt(join(folder.path, '10.settings'), 20);
  fileAt(join(folder.path, '11.settings'), 5);
  assert.equal(await newest(), 10);
  fileAt(join(folder.path, '2.settings'), 20);
  assert.equal(await newest(), 10);
  for (const other of [
    '99_settings',
    'x.settings',
    '99.settings.tmp',
    '.99.settings',
    'a.99.settings',
    '99.status',
  ]) {
    fileAt(join(folder.path, other), 100);
  }
  mkdirSync(join(folder.path, '98.settings'));
  await symlink('/nowhere', join(folder.path, '97.settings'));
  assert.equal(await newest(), 10);
});

test('a symbolic link to a settings file is one', async () => {
  await using folder = await temporaryFolder();
  fileAt(join(folder.path, 'elsewhere'), 1);
  await symlink('elsewhere', join(folder.path, '1.settings'));
  assert.equal((await locateSettings(folder.path, undefined))?.sequenceNumber, 1);
  assert.equal((await locateSettings(folder.path, 1))?.sequenceNumber, 1);
});

test('a folder that is missing has no settings; one that is a file is refused', async () => {
  await using folder = await temporaryFolder();
  assert.equal(await locateSettings(join(folder.path, 'missing'), undefined), undefined);
  await writeFile(join(folder.path, 'file'), '');
  await assert.rejects(locateSettings(join(folder.path, 'file'), undefined), (error) => {
    assert.ok(error instanceof FlashfreezeError && error.code === 'FF_SETTINGS_MISSING');
    return true;
  });
});

test('text is read without a byte order mark, and without NUL at the end', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '1.settings');
  await writeFile(path, '\ufeff{"ü": 1}\r\n');
  assert.equal(await readSettingsText(path), '{"ü": 1}\r\n');
  await writeFile(path, '{"a": "\0"}\0\0');
  assert.equal(await readSettingsText(path), '{"a": "\0"}');
  await writeFile(path, '');
  assert.equal(await readSettingsText(path), '');
});

test('what is no readable text file is refused with a code, and holds nothing up', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await mkdir(at('directory'));
  execFileSync('mkfifo', [at('pipe')]);
  await writeFile(at('latin1'), Buffer.from([0x22, 0xfc, 0x22]));
  await using huge = await open(at('huge'), 'w');
  await huge.truncate(MAX_SETTINGS_BYTES + 1);
  for (const [name, code] of [
    ['missing', 'FF_SETTINGS_MISSING'],
    ['directory', 'FF_SETTINGS_INVALID'],
    ['pipe', 'FF_SETTINGS_INVALID'],
    ['latin1', 'FF_SETTINGS_INVALID'],
    ['huge', 'FF_SETTINGS_INVALID'],
  ] as const) {
    await assert.rejects(readSettingsText(at(name)), (error) => {
      assert.ok(error instanceof FlashfreezeError, name);
      assert.equal(error.code, code);
      assert.ok(error.message.includes(at(name)));
      return true;
    });
  }
});

test('scrubbing takes out secrets and thumbprint, and keeps all else with mode, owner and time', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '1.settings');
  fileAt(path, 5, settings({ taskId: 'ü', list: [1, null, { a: true }] }));
  await chmod(path, 0o640);
  await chown(path, 1234, 2345);
  const before = await stat(path);
  assert.deepEqual(await scrubSettings(path), { ok: true });
  const text = await readFile(path, 'utf8');
  assert.deepEqual(JSON.parse(text), {
    runtimeSettings: [
      { handlerSettings: { publicSettings: { taskId: 'ü', list: [1, null, { a: true }] } } },
    ],
  });
  const { mode, uid, gid, mtimeMs } = await stat(path);
  assert.deepEqual([mode & 0o7777, uid, gid, mtimeMs], [0o640, 1234, 2345, before.mtimeMs]);
  assert.deepEqual(readdirSync(folder.path), ['1.settings']);
});

test('numbers keep every digit', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '1.settings');
  const numbers = '[636458000000000001,1.0,1e400,-0,6.36458E+17]';
  await writeFile(path, settings('@').replace('"@"', numbers));
  await scrubSettings(path);
  assert.equal(
    await readFile(path, 'utf8'),
    `{"runtimeSettings":[{"handlerSettings":{"publicSettings":${numbers}}}]}`,
  );
});

test('secrets go in whatever form and place the file has them', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '1.settings');
  const secret = `"protectedSettings":"${SECRET}"`;
  for (const text of [
    `\ufeff{"runtimeSettings":{"handlerSettings":{${secret}}}}`,
    `[{"runtimeSettings":[{"handlerSettings":{"ProtectedSettings":{"a":"${SECRET}"}}}]}]`,
    `{"runtimeSettings":[{},{"handlerSettings":{${secret},"protectedSettings":null}}]}`,
    `{"runtimeSettings":[{"handlerSettings":{${secret}}}],"runtimeSettings":[]}`,
    `{"runtimeSettings":[{"handlerSettings":{"protected\\u0053ettings":"${SECRET}"}}]}`,
    `{${secret}}`,
    `{${secret},"a":[NaN,-Infinity]}\0\0`,
  ]) {
    await writeFile(path, text);
    assert.deepEqual(await scrubSettings(path), { ok: true }, text);
    assert.doesNotMatch(await readFile(path, 'utf8'), /MIIB/, text);
  }
});

test('a file without secrets is not written again', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '1.settings');
  for (const text of ['', ' \n', '{ "runtimeSettings": [ ] }\r\n', 'null']) {
    await writeFile(path, text);
    const { ino } = await stat(path);
    assert.deepEqual(await scrubSettings(path), { ok: true });
    assert.equal(await readFile(path, 'utf8'), text);
    assert.equal((await stat(path)).ino, ino);
  }
});

test('what is not JSON is left alone and said so, without a word of it', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '1.settings');
  for (const text of [`{"protectedSettings":"${SECRET}`, SECRET, '['.repeat(100_000)]) {
    await writeFile(path, text);
    const result = await scrubSettings(path);
    assert.ok(!result.ok && !result.message.includes('MIIB') && result.message.includes(path));
    assert.equal(await readFile(path, 'utf8'), text);
  }
  assert.equal((await scrubSettings(join(folder.path, 'missing'))).ok, false);
});

test('a symbolic link stays one, and the file behind it loses the secrets', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'real'));
  await writeFile(join(folder.path, 'real/file'), settings({}));
  const path = join(folder.path, '1.settings');
  await symlink('real/file', path);
  assert.deepEqual(await scrubSettings(path), { ok: true });
  assert.ok((await lstat(path)).isSymbolicLink());
  assert.doesNotMatch(await readFile(join(folder.path, 'real/file'), 'utf8'), /MIIB/);
});

test('a reader sees the whole old file or the whole new one', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '1.settings');
  const text = settings({ filler: 'x'.repeat(300_000) });
  await writeFile(path, text);
  await link(path, join(folder.path, 'old'));
  await scrubSettings(path);
  // Not written in place: whoever has the old file open still reads all of it.
  assert.equal(await readFile(join(folder.path, 'old'), 'utf8'), text);
});

const MODULE = new URL('../../../src/extension/settings/settings-file.ts', import.meta.url).href;

/** Runs a module in a mount namespace of its own, after `mounts`; both know the folder as their first argument. */
function runMounted(mounts: string, folder: string, body: string): unknown {
  const script = `import { scrubSettings, rotate } from ${JSON.stringify(MODULE)};
    import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
    const [, folder] = process.argv;
    ${body}`;
  const shell = ['sh', '-c', `${mounts} && exec "$2" --input-type=module -e "$3" "$1"`, 'sh'];
  const output = execFileSync(
    'unshare',
    ['-m', '--propagation', 'private', ...shell, folder, process.execPath, script],
    { encoding: 'utf8' },
  );
  return JSON.parse(output);
}

test('a folder that cannot be written to costs nothing but a message', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, '1.settings'), settings({}));
  const result = runMounted(
    'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
    folder.path,
    `const scrubbed = await scrubSettings(folder + '/1.settings');
    const problems = await rotate(folder, 2);
    console.log(JSON.stringify({ ...scrubbed, problems: problems.join() }));`,
  );
  assert.deepEqual(result, {
    ok: false,
    message: `cannot remove the protected settings from ${folder.path}/1.settings: EROFS`,
    problems: `renaming ${folder.path}/1.settings failed (EROFS)`,
  });
  assert.ok((await readFile(join(folder.path, '1.settings'), 'utf8')).includes(SECRET));
});

test('on a full disk the file stays whole, and nothing is left beside it', async () => {
  await using folder = await temporaryFolder();
  const text = settings({ filler: 'x'.repeat(20_000) });
  const result = runMounted(
    'mount -t tmpfs -o size=64k tmpfs "$1"',
    folder.path,
    `const path = folder + '/1.settings';
    const text = ${JSON.stringify(text)};
    writeFileSync(path, text);
    try { writeFileSync(folder + '/filler', Buffer.alloc(100_000)); } catch {}
    const { ok, message } = await scrubSettings(path);
    const kept = readFileSync(path, 'utf8') === text;
    console.log(JSON.stringify({ ok, message, kept, names: readdirSync(folder).sort() }));`,
  );
  assert.deepEqual(result, {
    ok: false,
    message: `cannot remove the protected settings from ${folder.path}/1.settings: ENOSPC`,
    kept: true,
    names: ['1.settings', 'filler'],
  });
});

test('old files are renamed and lose their secrets, the current ones stay', async () => {
  await using folder = await temporaryFolder();
  for (const number of [1, 2, 10]) {
    fileAt(join(folder.path, `${number}.settings`), number, settings({ number }));
    fileAt(join(folder.path, `${number}.status`), number, `[${number}]`);
  }
  await writeFile(join(folder.path, 'HandlerState'), 'Enabled');
  await writeFile(join(folder.path, 'other.3.settings'), '{}');
  assert.deepEqual(await rotate(folder.path, 10), []);
  assert.deepEqual(readdirSync(folder.path).sort(), [
    '10.settings',
    '10.status',
    '1_settings',
    '1_status',
    '2_settings',
    '2_status',
    'HandlerState',
    'other.3.settings',
  ]);
  assert.ok((await readFile(join(folder.path, '10.settings'), 'utf8')).includes(SECRET));
  assert.doesNotMatch(await readFile(join(folder.path, '1_settings'), 'utf8'), /MIIB/);
  assert.equal(await readFile(join(folder.path, '2_status'), 'utf8'), '[2]');
});

test('a higher number is old too where numbers began anew, unless it is newer than the current one', async () => {
  await using folder = await temporaryFolder();
  fileAt(join(folder.path, '7.settings'), 1);
  fileAt(join(folder.path, '0.settings'), 5);
  fileAt(join(folder.path, '1.settings'), 6);
  fileAt(join(folder.path, '7.status'), 1);
  assert.deepEqual(await rotate(folder.path, 0), []);
  assert.deepEqual(readdirSync(folder.path).sort(), [
    '0.settings',
    '1.settings',
    '7_settings',
    '7_status',
  ]);
});

test('at most 60 old files of a kind are kept, the newest', async () => {
  await using folder = await temporaryFolder();
  for (let number = 0; number < 70; number++) {
    fileAt(join(folder.path, `${number}_settings`), number);
    fileAt(join(folder.path, `${number}_status`), 100 - number);
  }
  fileAt(join(folder.path, '70.settings'), 70);
  assert.deepEqual(await rotate(folder.path, 71), []);
  const names = readdirSync(folder.path);
  const numbersOf = (kind: string) =>
    names
      .filter((name) => name.endsWith(kind))
      .map((name) => Number.parseInt(name, 10))
      .sort((one, other) => one - other);
  assert.deepEqual(
    numbersOf('_settings'),
    Array.from({ length: 60 }, (_, index) => index + 11),
  );
  assert.deepEqual(
    numbersOf('_status'),
    Array.from({ length: 60 }, (_, index) => index),
  );
});

test('rotating a folder that is missing, or into a directory, is said and does no harm', async () => {
  await using folder = await temporaryFolder();
  const [problem] = await rotate(join(folder.path, 'missing'), 1);
  assert.match(problem ?? '', /ENOENT/);
  await mkdir(join(folder.path, '1_status'));
  fileAt(join(folder.path, '1.status'), 1);
  fileAt(join(folder.path, '2.status'), 1);
  assert.match((await rotate(folder.path, 3)).join(), /1\.status failed/);
  assert.ok(statSync(join(folder.path, '2_status')).isFile());
});

test('whatever files there are, only the current one is left to be reported', async () => {
  const numbers = fc.uniqueArray(fc.nat(80), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(numbers, fc.nat(80), async (present, current) => {
      await using folder = await temporaryFolder();
      for (const number of present) {
        fileAt(join(folder.path, `${number}.status`), 1, String(number));
      }
      assert.deepEqual(await rotate(folder.path, current), []);
      const left = readdirSync(folder.path).filter((name) => name.endsWith('.status'));
      assert.deepEqual(left, present.includes(current) ? [`${current}.status`] : []);
      assert.equal(readdirSync(folder.path).length, present.length);
    }),
    { numRuns: 30 },
  );
});

test.run();
