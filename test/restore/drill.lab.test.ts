import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';

await requireLabCommands(['curl']);
process.env.SHELL = '/bin/bash';

const test = suite('the drill in restore.md');
const PAGE = readFileSync(join(import.meta.dirname, '../../src/docs/restore.md'), 'utf8');
const OPENS_LAB = 'npm start -- ';

/** The examples of the section, in their order. */
function drill(): string[] {
  const [, section = ''] = PAGE.split('\n## Drill\n');
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, body = '']) => body);
}

/** What is typed into the shell in the lab: without the lines for Azure. */
function inLab(): string {
  const blocks = drill().filter((block) => !block.includes('az ') && !block.includes(OPENS_LAB));
  return ['set -eu', ...blocks].join('\n');
}

function labArguments(): string[] {
  const [first = ''] = drill();
  assert.ok(first.startsWith(OPENS_LAB), first);
  return ['lab', ...first.slice(OPENS_LAB.length).trim().split(' ')];
}

test('its lines lead from a lost machine to mounted file systems with what was written', async () => {
  const ended = await flashfreeze(labArguments(), { stdin: inLab() });
  const said = `${ended.stdout}${ended.stderr}`;
  assert.is(ended.exitCode, 0, said);
  assert.match(ended.stdout, 'nothing has to be recovered on any disk');
  assert.match(ended.stdout, 'Dry run: nothing was copied.');
  const mounted = [...ended.stdout.matchAll(/^\/lab\/drill\/mnt\/\S+ +\S+ +(\w+) +ro,/gm)];
  assert.equal(mounted.map(([, type]) => type).toSorted(), ['btrfs', 'ext4', 'ext4', 'xfs'], said);
  const files = [...ended.stdout.matchAll(/^-.* (synced|dirty)$/gm)];
  assert.is(files.length, 8, ended.stdout);
  assert.not.match(said, /sig=(?!REDACTED)/);
  const azure = drill().join('\n');
  for (const start of ['az disk create ', 'az vm disk attach ']) {
    const printed = ended.stdout.split('\n').find((line) => line.trim().startsWith(start)) ?? '';
    const inPage = azure.split('\n').find((line) => line.startsWith(start)) ?? '';
    assert.match(inPage, likePrinted(printed.trim()), `${inPage}\nis not like\n${printed}`);
  }
});

/** A line as `restore` prints it, for any disk: a zone may be left out. */
function likePrinted(line: string): RegExp {
  const [words, name = ''] = [line, /--name (?:"\$\(.* --name )?(\S+)/.exec(line)?.[1]];
  const general = words
    .replace(' --zone <zone>', '')
    .replace(/--source \S+/, '--source <url>')
    .replace(/--lun \d+/, '--lun <lun>')
    .replaceAll(name, '<name>')
    .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/<[\w-]+>/g, '\\S+');
  return new RegExp(`^${general}$`);
}

test('it ends at the first line that fails (negative control)', async () => {
  const wrong = inLab().replace('--deep "$POINT"', '--deep no-such-point');
  const ended = await flashfreeze(labArguments(), { stdin: wrong });
  assert.is(ended.exitCode, 2, ended.stderr);
  assert.match(ended.stderr, 'FF_RESTORE_POINT_NOT_FOUND');
  assert.not.match(ended.stdout, '/lab/drill/mnt/');
});

test.run();
