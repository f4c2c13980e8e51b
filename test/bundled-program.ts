import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { bundle } from '../src/package/bundle.ts';
import * as places from '../src/program-files.ts';
import { builtOfSources } from './built-of-sources.ts';

const CHECKOUT = join(import.meta.dirname, '..');
const LAUNCHER = 'flashfreeze.js';
const PLACES = join(CHECKOUT, 'src/program-files.ts');
const SOURCES = ['src', 'test/bundled-program.ts', 'package.json', 'package-lock.json'];

/**
 * Bundles the checkout's program as a package has it, for the tests of this run to start. A run starts it many hundred
 * times, and the bundle's start takes half of the processor time that the hundreds of files of `src` take.
 *
 * @returns the path of what stands for `src/flashfreeze.js`
 */
export async function bundleProgram(): Promise<string> {
  const directory = await builtOfSources(join(CHECKOUT, 'build/program'), SOURCES, make);
  return join(directory, LAUNCHER);
}

async function make(directory: string): Promise<void> {
  const launcher = join(directory, LAUNCHER);
  if (existsSync(launcher)) {
    return;
  }
  const { files } = await bundle(undefined, [placesOfCheckout(join(directory, 'worker.js'))]);
  await writeFile(join(directory, 'package.json'), '{"type":"module"}\n');
  for (const { path, content } of files) {
    await writeFile(join(directory, path === LAUNCHER ? 'main.js' : path), content);
  }
  const source = await readFile(join(CHECKOUT, 'src', LAUNCHER), 'utf8');
  // The last file, and at once: whatever happens, the bundle is whole or not there.
  await writeFile(`${launcher}.new`, source.replace("'./main.ts'", "'./main.js'"));
  await rename(`${launcher}.new`, launcher);
}

/** The bundle opens by path what the checkout has; a package has it beside the bundle. */
function placesOfCheckout(lanePath: string): Plugin {
  const exported = Object.entries({ ...places, LANE_PATH: lanePath });
  const contents = exported.map(
    ([name, path]) => `export const ${name} = ${JSON.stringify(path)};`,
  );
  return {
    name: 'places-of-checkout',
    setup(build) {
      build.onLoad({ filter: /\/program-files\.ts$/ }, ({ path }) =>
        path === PLACES ? { contents: contents.join('\n'), loader: 'js' } : undefined,
      );
    },
  };
}
