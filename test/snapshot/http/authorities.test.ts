import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import * as assert from 'uvu/assert';
import { readAuthorities } from '../../../src/snapshot/http/authorities.ts';
import { tlsAdvice, withTlsAdvice } from '../../../src/snapshot/http/failures.ts';
import { suite } from '../../suite.ts';

const test = suite('authorities');

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'ff-authorities-'));
  readonly certificate: string;

  constructor() {
    const pem = this.file('own.pem');
    execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', '/CN=own', '-keyout', this.file('own.key'), '-out', pem],
    ]);
    this.certificate = readFileSync(pem, 'utf8').trim();
  }

  file(name: string, text?: string): string {
    const path = join(this.path, name);
    if (text !== undefined) {
      writeFileSync(path, text);
    }
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

const BAD = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';

test('the first bundle that exists is read, without what the runtime has itself', () => {
  using folder = new Folder();
  const bundle = folder.file('b.crt', `${rootCertificates[0]}\n# own\n${folder.certificate}\n`);
  const found = readAuthorities({}, [folder.file('missing'), bundle, '/nowhere']);
  assert.equal(found, {
    certificates: [folder.certificate],
    source: `${bundle} (2)`,
    problem: undefined,
  });
});

test('a machine without a bundle has no authorities of its own, and no problem', () => {
  const found = readAuthorities({}, ['/nowhere/a', '/nowhere/b']);
  assert.equal(found.certificates, []);
  assert.is(found.source, 'no file of the system (none of /nowhere/a, /nowhere/b exists)');
  assert.is(found.problem, undefined);
});

test('a bundle that is a directory is a problem, and is named', () => {
  using folder = new Folder();
  const { problem } = readAuthorities({}, [folder.path]);
  assert.match(problem ?? '', `${folder.path} cannot be read (not a regular file)`);
});

test('SSL_CERT_FILE takes the place of the bundle; its bad certificates are counted and left out', () => {
  using folder = new Folder();
  const named = folder.file('named.pem', `${BAD}\n${folder.certificate}\n`);
  const found = readAuthorities({ SSL_CERT_FILE: named }, [folder.file('b.crt', BAD)]);
  assert.equal(found.certificates, [folder.certificate]);
  assert.match(found.problem ?? '', `SSL_CERT_FILE=${named}: 1 of 2 certificates`);
});

test('with an SSL_CERT_FILE of no use, the bundle is read all the same', () => {
  using folder = new Folder();
  const bundle = folder.file('b.crt', folder.certificate);
  for (const [path, reason] of [
    [folder.file('missing'), 'ENOENT'],
    [folder.file('bad.pem', BAD), 'no readable certificate'],
  ] as const) {
    const found = readAuthorities({ SSL_CERT_FILE: path }, [bundle]);
    assert.equal(found.certificates, [folder.certificate]);
    assert.match(found.problem ?? '', reason);
    assert.match(found.source, 'not usable');
  }
});

const ADVICE: readonly [code: string, part: string][] = [
  ['SELF_SIGNED_CERT_IN_CHAIN', 'update-ca-certificates'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SSL_CERT_FILE'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'another name'],
  ['CERT_HAS_EXPIRED', 'clock'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'speaks TLS'],
];

for (const [code, part] of ADVICE) {
  test(`${code} is told with its own remedy`, () => {
    assert.match(tlsAdvice(code), part);
    assert.match(withTlsAdvice(code), part);
  });
}

test('other codes get no advice about TLS', () => {
  assert.is(withTlsAdvice('HTTP 403 AuthorizationFailure'), 'HTTP 403 AuthorizationFailure');
});

test.run();
