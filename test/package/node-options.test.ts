import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { productNode } from '../../bench/process/product-node.ts';
import { suite } from '../suite.ts';

const test = suite('options of Node.js');
const root = join(import.meta.dirname, '../..');
const RUNS = 3;
const HOT_PARSER = join(import.meta.dirname, 'fixtures/hot-parser.ts');

/** Without environment and program. */
const options = productNode().filter((word) => word.startsWith('--'));

test('checkout, launcher of the payload and the install page start Node.js in one way', () => {
  assert.equal(options, ['--max-semi-space-size=4', '--no-opt', '--no-maglev', '--liftoff-only']);
  const launcher = readFileSync(join(root, 'src/package/flashfreeze.sh'), 'utf8');
  assert.match(launcher, `"$directory/node" ${options.join(' ')} "$directory/flashfreeze.js"`);
  const page = readFileSync(join(root, 'src/docs/install.md'), 'utf8').replace(/\\\n\s*/g, '');
  assert.match(page, `node_modules/.bin/node' ${options.join(' ')} '$PWD/src/flashfreeze.js'`);
});

test('they keep the optimizing compilers from running, also in other threads', async () => {
  const [withThem, without] = [await helpersMs(options), await helpersMs([])];
  assert.ok(withThem < without / 2, `${withThem} ms with them, ${without} ms without`);
});

/**
 * Processor time of the runtime's own threads while WebAssembly becomes hot. The least of some runs: on a busy machine the
 * same work takes longer at times.
 */
async function helpersMs(nodeOptions: readonly string[]): Promise<number> {
  const figures: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, [...nodeOptions, HOT_PARSER]);
    figures.push(Number(stdout));
  }
  return Math.min(...figures);
}

test.run();
