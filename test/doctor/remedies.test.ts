/** What doctor tells people to do can be done on a machine that has only an installed payload. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { describeCommands } from '../../src/commands/command-tree.ts';
import { createProgram } from '../../src/commands/program.ts';
import { parseArchitecture } from '../../src/package/options.ts';
import { programPayload } from '../../src/package/program-payload.ts';
import { suite } from '../suite.ts';

const test = suite('remedies of doctor');
const ROOT = join(import.meta.dirname, '../..');
/** All that can become the text of a check, also what other parts say. */
const SOURCES = [
  'src/doctor/*.ts',
  'src/backup/btrfs-maintenance.ts',
  'src/config/*.ts',
  'src/filesystems/btrfs/*.ts',
  'src/filesystems/exclusions.ts',
  'src/filesystems/security-policy.ts',
  'src/quiesce/scripts/*.ts',
  'src/snapshot/http/*.ts',
];

interface Text {
  readonly place: string;
  readonly text: string;
}

/** The texts between quotation marks in a file, without comments and imports. */
function textsIn(path: string): Text[] {
  const code = readFileSync(join(ROOT, path), 'utf8')
    .replaceAll(/\/\*.*?\*\//gs, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/^(?:import|} from) .*$/gm, '');
  // The module of an import begins with a dot.
  return [
    ...code.matchAll(/'(?!\.)((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`|"((?:[^"\\\n]|\\.)*)"/g),
  ].map(([, single, template, double]) => ({
    place: path,
    text: single ?? template ?? double ?? '',
  }));
}

const texts = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
  .filter((path) => !path.endsWith('.d.ts'))
  .flatMap(textsIn);

/** Of the machine, not of flashfreeze. */
const ON_THE_MACHINE = /^\/(?:etc|proc|sys|var|run|dev|usr)\//;
/** What an administrator saves from the output of `doctor --managed`. */
const MADE_BY_HAND = new Set(['role.json']);
/** Looks like the name of a file. */
const NO_FILE = new Set(['Node.js']);

test('the texts were found', () => {
  assert.ok(texts.length > 300, String(texts.length));
  assert.ok(texts.some(({ text }) => text.includes('run flashfreeze plan')));
});

test('every file that is named is one of the machine, or in the payload', async () => {
  const identity = { name: 'flashfreeze', version: '1.0.0' };
  const payload = await programPayload(parseArchitecture(process.arch), identity);
  const names = new Set(payload.map(({ path }) => path));
  assert.ok(names.has('flashfreeze'));
  for (const { place, text } of texts) {
    for (const [file] of text.matchAll(/[\w./-]+\.(?:md|ts|js|json|sh|conf|txt)\b/g)) {
      const isThere =
        ON_THE_MACHINE.test(file) ||
        [names, MADE_BY_HAND, NO_FILE].some((it) => it.has(file)) ||
        isOfMachine(file);
      assert.ok(isThere, `${place}: ${file} in "${text}"`);
    }
    assert.not.match(text, /\bnpm\b|\bcheckout\b|\bsrc\/|node_modules/, place);
  }
});

/** The name alone of a file whose whole path another text has. */
function isOfMachine(file: string): boolean {
  return (
    file === basename(file) &&
    texts.some(({ text }) => ON_THE_MACHINE.test(text) && text.endsWith(`/${file}`))
  );
}

test('every command and option of flashfreeze that is named exists', () => {
  const commands = describeCommands(createProgram(async () => {}));
  const options = new Set(commands.flatMap((it) => it.options.flatMap(({ names }) => names)));
  const words = new Set(commands.map(({ path }) => path[0]));
  for (const { place, text } of texts) {
    for (const [, word = ''] of text.matchAll(/\brun flashfreeze (\w+)/g)) {
      assert.ok(words.has(word) || ['with', 'on', 'as'].includes(word), `${place}: ${text}`);
    }
    for (const [option] of text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)) {
      assert.ok(options.has(option) || isOfOtherProgram(text), `${place}: ${option} in "${text}"`);
    }
  }
});

/** A line or an argument for another program. */
function isOfOtherProgram(text: string): boolean {
  return /\b(?:nsenter|systemctl|az) |^--(?:property|value)/.test(text);
}

test.run();
