import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import type { NodeRuntime } from './node-runtime.ts';
import { REPOSITORY } from './repository.ts';

export interface Notice {
  /** The shipped component and its licence, in one line. */
  readonly title: string;
  readonly text: string;
}

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly author?: unknown;
}

const LICENSE_FILE = /^(?:licen[cs]e|copying|notice|thirdpartynotices?)(?:[.-].*)?$/i;
const RULE = '='.repeat(78);

/** THIRD-PARTY-NOTICES.txt: the licences of all shipped third-party components. */
export async function thirdPartyNotices(
  packages: readonly string[],
  runtime: NodeRuntime,
): Promise<string> {
  const notices = [
    ...(await nativeNotices(runtime)),
    ...(await Promise.all(packages.map(packageNotice))),
  ];
  return notices
    .map(({ title, text }) => `${RULE}\n${title}\n${RULE}\n\n${text.trim()}\n`)
    .join('\n');
}

/** Throws `FF_PACKAGE_FAILED` if a package has no licence. */
async function packageNotice(folder: string): Promise<Notice> {
  const json = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageJson;
  const names = (await readdir(folder)).filter((name) => LICENSE_FILE.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return {
    title: `${json.name} ${json.version} (${json.license})`,
    text: texts.length === 0 ? await usualText(json) : texts.join('\n\n'),
  };
}

/** For a package that names its licence but does not contain its text. */
async function usualText({ name, license, author }: PackageJson): Promise<string> {
  if (license !== 'MIT' || typeof author !== 'string') {
    throw new FlashfreezeError(
      'FF_PACKAGE_FAILED',
      `${name} does not contain the text of its licence`,
    );
  }
  return `Copyright (c) ${author}\n\n${await ownText('MIT.txt')}`;
}

function ownText(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, 'licenses', name), 'utf8');
}

async function nativeNotices(runtime: NodeRuntime): Promise<Notice[]> {
  const addonApi = await packageNotice(join(REPOSITORY, 'node_modules/node-addon-api'));
  return [
    {
      title: `node: Node.js ${runtime.version}, with its components`,
      text: await readFile(runtime.license, 'utf8'),
    },
    { ...addonApi, title: `flashfreeze.node: ${addonApi.title}` },
    {
      title:
        'flashfreeze.node, flashfreeze-guardian, flashfreeze-disk-heads: GNU C++ Library and GCC’s runtime library\n(GPL-3.0 with GCC Runtime Library Exception 3.1)',
      text: `${await ownText('GCC-exception-3.1.txt')}\n${await ownText('GPL-3.0.txt')}`,
    },
    {
      title: 'flashfreeze-guardian, flashfreeze-disk-heads: GNU C Library (LGPL-2.1 or later)',
      text: `${GLIBC}\n${await ownText('LGPL-2.1.txt')}`,
    },
  ];
}

const GLIBC = `The guardian is linked with the GNU C Library. Its source is that of the package of the
distribution this was built on, or https://www.gnu.org/software/libc/. To link the guardian with another
version of it, run "npm ci" in a checkout of flashfreeze on a machine that has it.
`;
