import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  compareVersions,
  neededLibraries,
  neededSymbols,
  neededVersions,
  tooNew,
} from '../../src/package/symbol-versions.ts';
import { suite } from '../suite.ts';

const test = suite('symbol versions');

const SYMBOLS = `
Symbol table '.dynsym' contains 5 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT  UND
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND pthread_create@GLIBC_2.34 (3)
     2: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND statx@GLIBC_2.28 (4)
     3: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND napi_create_function
     4: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND _Unwind_Resume@GCC_3.0 (5)
     5: 0000000000001234    12 FUNC    GLOBAL DEFAULT   12 timer_create@@GLIBC_2.36
`;

test('only undefined symbols with a version are needed', () => {
  assert.equal(neededSymbols(SYMBOLS), [
    { name: 'pthread_create', library: 'GLIBC', version: '2.34' },
    { name: 'statx', library: 'GLIBC', version: '2.28' },
    { name: '_Unwind_Resume', library: 'GCC', version: '3.0' },
  ]);
});

test('what is newer than glibc 2.28 is found, and nothing else', () => {
  assert.equal(
    tooNew(neededSymbols(SYMBOLS)).map(({ name }) => name),
    ['pthread_create'],
  );
  assert.is(tooNew([{ name: 'a', library: 'GLIBC', version: '2.4' }]).length, 0);
  assert.is(tooNew([{ name: 'a', library: 'GLIBC', version: '3.0' }]).length, 1);
  assert.is(tooNew([{ name: 'a', library: 'GLIBCXX', version: '3.4.29' }]).length, 0);
});

test('versions are those of the references, not of the definitions', () => {
  const objdump = `
Dynamic Section:
  NEEDED               libc.so.6
  VERNEED              0x00000000004097a8

Version definitions:
1 0x01 0x0d696918 GLIBC_2.99

Version References:
  required from libgcc_s.so.1:
    0x0b792654 0x00 18 GCC_3.4
  required from libc.so.6:
    0x06969196 0x00 17 GLIBC_2.16
    0x09691974 0x02 16 GLIBC_2.34
    0x0963cf85 0x00 15 GLIBC_PRIVATE
`;
  const versions = neededVersions(objdump);
  assert.equal(
    versions.map(({ library, version }) => `${library} ${version}`),
    ['GCC 3.4', 'GLIBC 2.16', 'GLIBC 2.34'],
  );
  assert.equal(tooNew(versions), [{ library: 'GLIBC', version: '2.34' }]);
});

test('libraries are those of the dynamic section', () => {
  const readelf = `
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x000000000000000e (SONAME)             Library soname: [flashfreeze.node]
 0x0000000000000001 (NEEDED)             Shared library: [ld-linux-x86-64.so.2]`;
  assert.equal(neededLibraries(readelf), ['libc.so.6', 'ld-linux-x86-64.so.2']);
  assert.equal(neededLibraries('There is no dynamic section in this file.'), []);
});

test('versions are compared number by number', () => {
  const numbers = fc.array(fc.nat({ max: 99 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const pad = (list: number[]): string =>
        [...list, 0, 0, 0]
          .slice(0, 4)
          .map((each) => String(each).padStart(2, '0'))
          .join();
      const expected = pad(a) === pad(b) ? 0 : pad(a) < pad(b) ? -1 : 1;
      assert.is(Math.sign(compareVersions(a.join('.'), b.join('.'))), expected);
    }),
  );
});

test.run();
