import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../src/lab/run-command.ts';
import { parseArchitecture } from '../../src/package/options.ts';
import { DEB } from '../../src/package/package-deb.ts';
import { RPM } from '../../src/package/package-rpm.ts';
import type { PayloadFile } from '../../src/package/payload-file.ts';
import { WORK } from '../../src/package/repository.ts';
import { makePackage } from '../../src/package/system-package.ts';
import { keepLock } from '../kept-lock.ts';
import { archivePath, VERSION } from '../setup/archive.ts';

/** The second one is what the first is upgraded to. */
export const VERSIONS = [VERSION, '1.0.1'] as const;
const FORMATS = { deb: DEB, rpm: RPM } as const;
const TEXTS = { manual: '.TH A 8\n', bash: 'bash\n', zsh: 'zsh\n', fish: 'fish\n' };

/** Makes packages of the program in the archive, outside the lab, once for each archive. */
export async function preparePackages(): Promise<void> {
  await using _turn = await keepLock(`${archivePath()}.lock`, 'exclusive');
  if (existsSync(packagePath('rpm', VERSIONS[1]))) {
    return;
  }
  await mkdir(WORK, { recursive: true });
  const work = await mkdtemp(join(WORK, 'packages-'));
  try {
    await runCommand('tar', ['xzf', archivePath(), '-C', work]);
    const files = await payloadIn(join(work, `flashfreeze-${VERSION}-linux-${process.arch}`));
    for (const version of VERSIONS) {
      for (const kind of ['deb', 'rpm'] as const) {
        const options = { version, architecture: parseArchitecture(process.arch), out: work };
        const { path } = await makePackage(
          FORMATS[kind],
          ofVersion(files, version),
          options,
          TEXTS,
        );
        await rename(path, packagePath(kind, version));
      }
    }
  } finally {
    await rm(work, { recursive: true });
  }
}

/** Inside the lab too. */
export function packagePath(kind: keyof typeof FORMATS, version: string): string {
  return `${archivePath()}-${version}.${kind}`;
}

async function payloadIn(folder: string): Promise<PayloadFile[]> {
  const files = (await readdir(folder)).map(async (path) => {
    const content = await readFile(join(folder, path));
    const { mode } = await stat(join(folder, path));
    return { path, content, isExecutable: (mode & 0o100) !== 0 };
  });
  return await Promise.all(files);
}

/** The same program, but another content. */
function ofVersion(files: readonly PayloadFile[], version: string): PayloadFile[] {
  return files.map((file) =>
    file.path === 'package.json'
      ? { ...file, content: Buffer.from(String(file.content).replace(VERSION, version)) }
      : file,
  );
}
