import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

const CACHE = join(import.meta.dirname, '../../build/azurite');
const { resolve } = createRequire(import.meta.url);
/** Azurite's blob service. */
const WHOLE = resolve('azurite/dist/src/blob/main.js');

/** Half of what Azurite loads: telemetry, which is off, and a metadata store in a database server. */
const LEFT_OUT: Plugin = {
  name: 'left-out',
  setup(build) {
    build.onResolve({ filter: /\/(?:Telemetry|SqlBlob(?:Configuration|Server))$/ }, ({ path }) => ({
      path,
      namespace: 'left-out',
    }));
    build.onLoad({ filter: /^/, namespace: 'left-out' }, () => ({
      contents: 'exports.AzuriteTelemetryClient = new Proxy({}, { get: () => () => {} });',
    }));
  },
};

/** The program to start: the bundle if it has been made, Azurite as npm installs it otherwise. */
export function azuriteProgram(): string {
  const bundled = bundlePath();
  return existsSync(bundled) ? bundled : WHOLE;
}

/**
 * Makes one file of Azurite's 3,000 unless it is there: its start, which many tests wait for, then takes a quarter
 * of the processor time. Outside the lab, which keeps no files.
 */
export async function bundleAzurite(): Promise<void> {
  const outfile = bundlePath();
  if (existsSync(outfile)) {
    return;
  }
  await mkdir(CACHE, { recursive: true });
  const own = `${outfile}.${process.pid}`;
  const { build } = await import('esbuild');
  await build({
    ...{ entryPoints: [WHOLE], outfile: own, plugins: [LEFT_OUT] },
    ...{ bundle: true, platform: 'node', target: 'node24', minifyWhitespace: true },
    ...{ legalComments: 'none', logLevel: 'error' },
  });
  // Another run of the tests may make the file too.
  await rename(own, outfile);
}

/** Other versions and another way of bundling make another file. */
function bundlePath(): string {
  const hash = createHash('sha256').update(readFileSync(import.meta.filename));
  for (const name of ['azurite', 'esbuild']) {
    hash.update(readFileSync(resolve(`${name}/package.json`)));
  }
  return join(CACHE, `blob-${hash.digest('hex').slice(0, 12)}.cjs`);
}
