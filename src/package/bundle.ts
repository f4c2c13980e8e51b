import { basename, join, sep } from 'node:path';
import { type BuildOptions, type BuildResult, build, type Plugin } from 'esbuild';
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
  plugins: [LATE_HTTP],
  metafile: true,
  write: false,
  logLevel: 'silent',
} as const satisfies BuildOptions;

type Built = BuildResult<typeof OPTIONS>;

/** Bundles the program. Throws esbuild's error if it cannot. */
export async function bundle(): Promise<Bundle> {
  const [program, worker] = await Promise.all([
    build({ ...OPTIONS, entryPoints: ['src/main.ts'], outfile: 'flashfreeze.js' }),
    build({
      ...OPTIONS,
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

function packagesOf({ metafile }: Built): string[] {
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
