#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=4 --no-opt --no-maglev --liftoff-only
/**
 * Starts `main.ts` with Node's compile cache. Plain JavaScript, because the cache must be on before Node loads the
 * first TypeScript file: from the second start on, no thread loads the code that strips types, which saves about
 * 40 MB and a tenth of a second. The environment variable is for the lanes' threads. If the folder cannot be written,
 * flashfreeze works without the cache. The folder is in memory: on a file system that a dead run has left frozen,
 * creating it would block, and flashfreeze could then not thaw that file system.
 *
 * The first line asks the C library for one memory pool for all threads instead of one for each thread (12 MB less
 * with 64 disks), and limits V8 to 4 MB of young objects (another 7 MB less; a window makes fewer). It also turns off the
 * optimizing compilers, for JavaScript and for WebAssembly, of which undici's parser consists. They pay off in programs
 * that run for long; here the code of the freeze window becomes hot right before it, and they took up to a whole
 * processor of it (bench/README.md). Set at run time, such flags come too late to be wholly in force.
 */
import { enableCompileCache } from 'node:module';

process.env.NODE_COMPILE_CACHE ??= '/run/flashfreeze-cache';
enableCompileCache();
await import('./main.ts');
