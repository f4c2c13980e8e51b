/** What src/docs/how-to/deploy.md says of packages and templates. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import packageJson from '../../package.json' with { type: 'json' };
import { parseName, parseVersion } from '../../src/package/options.ts';
import { suite } from '../suite.ts';
import { blocksOf, ROOT, shellLinesOf, textOf } from './pages.ts';

const test = suite('page on deploying');
const PAGE = textOf('src/docs/how-to/deploy.md');
const LINES = blocksOf(PAGE, 'sh').flatMap(shellLinesOf);

interface Template {
  readonly parameters: Readonly<Record<string, { readonly defaultValue?: unknown }>>;
}

function templateOf(name: string): Template {
  const path = join(ROOT, `src/extension/deploy/${name}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as Template;
}

test('the custom script installs the archive that is packaged now, and is JSON', () => {
  const block = blocksOf(PAGE, 'sh').find((it) => it.includes('CustomScript')) ?? '';
  const [, text = ''] = /--protected-settings '([^']+)'/.exec(block) ?? [];
  const { fileUris, commandToExecute } = JSON.parse(text);
  const folder = `flashfreeze-${packageJson.version}-linux-x64`;
  assert.match(fileUris[0], `/${folder}.tar.gz?`);
  assert.is(commandToExecute, `tar xzf ${folder}.tar.gz && ./${folder}/flashfreeze setup`);
  assert.ok(LINES.some((line) => line.includes(`dist/${folder}.tar.gz`)));
});

test('the lines for publishers name one package', () => {
  const line = LINES.find((it) => it.includes('package -- --name')) ?? '';
  const [, name = '', version = ''] = /--name (\S+) --version (\S+)/.exec(line) ?? [];
  const { publisher, type } = parseName(name);
  parseVersion(version);
  assert.ok(LINES.some((it) => it.includes(`--publisher ${publisher} --name ${type}`)));
  assert.ok(LINES.some((it) => it.startsWith('az vm extension delete') && it.includes(type)));
});

for (const name of ['vm', 'scale-set']) {
  test(`${name}: the table and the line give every parameter that has no default`, () => {
    const needed = Object.entries(templateOf(name).parameters)
      .filter(([, { defaultValue }]) => defaultValue === undefined)
      .map(([parameter]) => parameter);
    const [, row = ''] =
      new RegExp(`^\\| \`${name}\\.bicep\`.*\\|.*\\| (.*) \\|$`, 'm').exec(PAGE) ?? [];
    const line = LINES.find((it) => it.includes(`deploy/${name}.bicep`)) ?? '';
    for (const parameter of needed) {
      assert.match(row, `\`${parameter}\``);
      assert.match(line, ` ${parameter}=`);
    }
    assert.is([...line.matchAll(/ \w+=/g)].length, needed.length);
  });
}

test.run();
