import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import packageLock from '../../package-lock.json' with { type: 'json' };
import { FlashfreezeError } from '../errors.ts';
import type { Architecture } from './options.ts';
import { REPOSITORY, WORK } from './repository.ts';
import { runTool } from './tools.ts';

export interface NodeRuntime {
  /** Path of the executable. */
  readonly executable: string;
  readonly version: string;
  /** Path of its licence text. */
  readonly license: string;
  /** Folder with `include/node`, for `node-gyp --nodedir`. */
  readonly folder: string;
}

/**
 * The pinned Node.js for an architecture: from node_modules, or, since npm installs no foreign one,
 * fetched from the registry and compared with package-lock.json.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED
 */
export async function nodeRuntime(architecture: Architecture): Promise<NodeRuntime> {
  const name = `node-linux-${architecture}` as const;
  const { version, integrity } = packageLock.packages[`node_modules/${name}`];
  const installed = join(REPOSITORY, 'node_modules', name);
  const folder = existsSync(installed) ? installed : await fetched(`${name}@${version}`, integrity);
  return {
    version,
    folder,
    executable: join(folder, 'bin/node'),
    license: join(folder, 'LICENSE'),
  };
}

async function fetched(specifier: string, integrity: string): Promise<string> {
  const folder = join(WORK, specifier);
  if (!existsSync(join(folder, 'package/bin/node'))) {
    await mkdir(folder, { recursive: true });
    const options = ['--pack-destination', folder, '--silent'];
    const file = (await runTool('npm', ['pack', specifier, ...options])).trim();
    const archive = join(folder, file);
    const [algorithm = '', expected] = integrity.split('-');
    const hash = createHash(algorithm).update(await readFile(archive));
    if (hash.digest('base64') !== expected) {
      throw new FlashfreezeError(
        'FF_PACKAGE_FAILED',
        `${specifier} from the registry does not match package-lock.json; remove ${folder}`,
      );
    }
    await runTool('tar', ['-xzf', archive, '-C', folder]);
  }
  return join(folder, 'package');
}
