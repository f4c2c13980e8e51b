import { readFile } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { type PayloadFile, textFile } from './payload-file.ts';
import { REPOSITORY } from './repository.ts';

export interface Bundle {
  /** The program and the module of the pool's threads. */
  readonly files: readonly PayloadFile[];
  /** Folders of the packages that contribute to the bundle, sorted. */
  readonly packages: readonly string[];
}

/** Names of CommonJS that bundled packages use; piscina looks for its thread's module beside itself. */
const BANNER = [
  "import { createRequire as requireOfBundle } from 'node:module';",
  'const require = requireOfBundle(import.meta.url);',
  'const __dirname = import.meta.dirname;',
].join('\n');

/**
 * Loads Node's HTTP modules with `require` at their first use. At its start a bundle imports every module
 * that any part of it imports, and an import of `node:http` evaluates all its exports, the client of
 * `fetch` too: 45 ms and 13 MB, for every command.
 */
const LATE_HTTP: Plugin = {
  name: 'late-http',
  setup(build) {
    build.onResolve({ filter: /^(?:node:)?(?:http|https|http2)$/ }, ({ kind, path }) =>
      kind === 'import-statement' ? { path, namespace: 'late' } : undefined,
    );
    build.onLoad({ filter: /^/, namespace: 'late' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** Gives the checkout's own package.json another version. */
function versioned(version: string): Plugin {
  const own = join(REPOSITORY, 'package.json');
  return {
    name: 'versioned',
    setup(build) {
      build.onLoad({ filter: /\/package\.json$/ }, async ({ path }) => {
        if (path !== own) {
          return undefined;
        }
        const content: object = JSON.parse(await readFile(own, 'utf8'));
        return { contents: JSON.stringify({ ...content, version }), loader: 'json' };
      });
    },
  };
}

const OPTIONS = {
  absWorkingDir: REPOSITORY,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Half the size, and traces still name the functions.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  banner: { js: BANNER },
  // Optional for piscina, and needed only for a feature that is not used here.
  external: ['@napi-rs/nice'],
  metafile: true,
  write: false,
  logLevel: 'silent',
} as const satisfies BuildOptions;

/**
 * Bundles the program. Throws esbuild's error if it cannot.
 *
 * @param version the program's, in place of that of the checkout
 * @param plugins applied before the bundle's own
 */
export async function bundle(version?: string, plugins: readonly Plugin[] = []): Promise<Bundle> {
  const own = version === undefined ? [LATE_HTTP] : [LATE_HTTP, versioned(version)];
  const options = { ...OPTIONS, plugins: [...plugins, ...own] };
  const [program, worker] = await Promise.all([
    build({ ...options, entryPoints: ['src/main.ts'], outfile: 'flashfreeze.js' }),
    build({
      ...options,
      stdin: { contents: WORKER, resolveDir: REPOSITORY },
      outfile: 'worker.js',
    }),
  ]);
  const built = [program, worker];
  return {
    files: built.flatMap(({ outputFiles }) =>
      outputFiles.map(({ path, text }) => textFile(basename(path), text)),
    ),
    packages: [...new Set(built.flatMap(packagesOf))].sort(),
  };
}

/**
 * The file that a thread of the pool loads: piscina's module for threads. That module imports the file
 * of the task, which is this same file.
 */
const WORKER = `
import './node_modules/piscina/dist/worker.js';
export { runLane } from './src/snapshot/blob/lane.ts';
`;

function packagesOf({ metafile }: { readonly metafile: Metafile }): string[] {
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return inputs
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => packageFolder(path) ?? []);
}

/** `node_modules/@scope/name/dist/x.js` → `<repository>/node_modules/@scope/name` */
function packageFolder(path: string): string | undefined {
  const [, folder] =
    /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path.split(sep).join('/')) ?? [];
  return folder === undefined ? undefined : join(REPOSITORY, folder);
}
