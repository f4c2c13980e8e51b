import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { bundle } from '../../src/package/bundle.ts';
import { checkThatItLoads } from '../../src/package/load-check.ts';
import { nodeRuntime } from '../../src/package/node-runtime.ts';
import {
  type Architecture,
  type PackageOptions,
  parseArchitecture,
} from '../../src/package/options.ts';
import { packageExtension, payload } from '../../src/package/package-extension.ts';
import { type PayloadFile, textFile } from '../../src/package/payload-file.ts';
import { programFiles } from '../../src/package/programs.ts';
import { ADDON_PATH, DISK_HEADS_PATH, GUARDIAN_PATH } from '../../src/program-files.ts';
import { suite } from '../suite.ts';
import { zipEntries } from './zip-entries.ts';

const test = suite('package');

const ARCHITECTURE: Architecture = parseArchitecture(process.arch);
const EXECUTABLE = ['flashfreeze', 'flashfreeze-disk-heads', 'flashfreeze-guardian', 'node'];
const OTHERS = [
  'HandlerManifest.json',
  'LICENSE',
  'THIRD-PARTY-NOTICES.txt',
  'flashfreeze.js',
  'flashfreeze.node',
  'flashfreeze.rules.yml',
  'manifest.xml',
  'package.json',
  'worker.js',
];

function options(out: string): PackageOptions {
  return {
    publisher: 'Some.Publisher',
    type: 'SnapshotLinux',
    version: '1.2.3.4',
    architecture: ARCHITECTURE,
    out,
  };
}

let made: Promise<PayloadFile[]> | undefined;

/** One for all tests: making it takes seconds. */
function payloadOnce(): Promise<PayloadFile[]> {
  made ??= payload(options(''));
  return made;
}

async function refused(
  work: Promise<unknown>,
  reason: RegExp,
  code = 'FF_PACKAGE_FAILED',
): Promise<void> {
  try {
    await work;
    assert.unreachable(String(reason));
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    assert.is((error as FlashfreezeError).code, code);
    assert.match((error as FlashfreezeError).message, reason);
  }
}

test('the zip has every file, with its mode, and is small enough; manifest and templates lie beside it', async () => {
  const out = await mkdtemp(join(tmpdir(), 'package-'));
  try {
    const packaged = await packageExtension(options(out));
    assert.is(basename(packaged.path), 'Some.Publisher.SnapshotLinux-1.2.3.4.zip');
    assert.ok(packaged.isChecked);
    const archive = await readFile(packaged.path);
    assert.ok(archive.length <= 50 * 2 ** 20, `${archive.length} bytes`);
    const entries = zipEntries(archive);
    assert.equal(
      entries.map(({ name }) => name),
      [...EXECUTABLE, ...OTHERS].sort(),
    );
    for (const { name, mode } of entries) {
      assert.is(mode, EXECUTABLE.includes(name) ? 0o755 : 0o644, name);
    }
    const inside = entries.find(({ name }) => name === 'manifest.xml')?.content;
    assert.equal(await readFile(join(out, 'manifest.xml')), inside);
    for (const name of ['vm', 'scale-set']) {
      const template = JSON.parse(await readFile(join(out, `deploy/${name}.json`), 'utf8'));
      const { publisher, extensionType, typeHandlerVersion } = template.parameters;
      assert.equal(
        [publisher, extensionType, typeHandlerVersion].map(({ defaultValue }) => defaultValue),
        ['Some.Publisher', 'SnapshotLinux', '1.2'],
      );
      const bicep = await readFile(join(out, `deploy/${name}.bicep`), 'utf8');
      assert.match(bicep, "publisher string = 'Some.Publisher'");
      assert.match(bicep, "extensionType string = 'SnapshotLinux'");
      assert.match(bicep, "typeHandlerVersion string = '1.2'");
    }
  } finally {
    await rm(out, { recursive: true });
  }
});

test('the same checkout gives the same bytes', async () => {
  const [first, second] = [await payloadOnce(), await payload(options(''))];
  for (const [index, { path, content }] of first.entries()) {
    assert.is(second[index]?.path, path);
    assert.is(Buffer.compare(content, second[index]?.content ?? Buffer.alloc(0)), 0, path);
  }
});

test('a folder that cannot be made is refused before anything is built', async () => {
  const out = join(import.meta.filename, 'out');
  await refused(packageExtension(options(out)), /--out .*ENOTDIR/, 'FF_USAGE');
});

test('no file names a folder of this machine, and the licence of every package is there', async () => {
  const { files, packages } = await bundle();
  const folder = join(import.meta.dirname, '../..');
  for (const { path, content } of files) {
    assert.not.ok(Buffer.from(content).includes(folder), path);
  }
  const notices = (await payloadOnce()).find(({ path }) => path === 'THIRD-PARTY-NOTICES.txt');
  const text = Buffer.from(notices?.content ?? []).toString();
  for (const name of [...packages.map((each) => each.split('node_modules/').at(-1)), 'Node.js']) {
    assert.match(text, `${name} `);
  }
  assert.match(text, 'GNU LESSER GENERAL PUBLIC LICENSE');
});

test('a program that would not run elsewhere is refused', async () => {
  const runtime = await nodeRuntime(ARCHITECTURE);
  const natives = { addon: ADDON_PATH, guardian: GUARDIAN_PATH, diskHeads: DISK_HEADS_PATH };
  await refused(
    programFiles(ARCHITECTURE, runtime, { ...natives, guardian: runtime.executable }),
    /linked with .*libc\.so\.6/,
  );
  await refused(
    programFiles(ARCHITECTURE, runtime, { ...natives, addon: runtime.executable }),
    /linked with .*libstdc\+\+/,
  );
  await refused(
    programFiles(ARCHITECTURE, runtime, { ...natives, addon: '/bin/sh' }),
    /^\/bin\/sh needs a glibc newer than 2\.28: .*__libc_start_main \(2\.34\)/,
  );
});

test('a payload that does not load is refused, with what it said', async () => {
  const files = await payloadOnce();
  const without = files.filter(({ path }) => path !== 'flashfreeze.node');
  await refused(checkThatItLoads(without), /self-check .*FF_ADDON_MISSING/s);
  const broken = files.filter(({ path }) => path !== 'worker.js');
  await refused(
    checkThatItLoads([...broken, textFile('worker.js', 'throw new Error("broken");')]),
    /ended with .*broken/s,
  );
});

test.run();
