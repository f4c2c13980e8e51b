import { registerHooks } from 'node:module';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';

const test = suite('JSON schemas at the start');

test('no command loads them before it needs one: a run gets by with the types', async () => {
  const met: string[] = [];
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      met.push(resolved.url);
      return resolved;
    },
  });
  await import('../../src/commands/program.ts');
  hooks.deregister();
  assert.ok(met.some((url) => url.endsWith('/src/report/run-folder.ts')));
  assert.equal(
    met.filter((url) => url.includes('/src/report/schemas/')),
    [],
  );
});

test.run();
