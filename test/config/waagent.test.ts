import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  parseWaagentConfiguration,
  proxyFor,
  readWaagentConfiguration,
} from '../../src/config/waagent.ts';
import { suite } from '../suite.ts';

const test = suite('waagent.conf');

const PATH = '/etc/waagent.conf';
const BLOB = 'https://acct.blob.core.windows.net/c/b?sig=x';

test('the file of a distribution sets nothing that matters here', () => {
  const text =
    '#\n# Microsoft Azure Linux Agent Configuration\n#\n\nExtensions.Enabled=y\nLib.Dir=/var/lib/waagent\n# HttpProxy.Host=commented\nHttpProxy.Host=None\nHttpProxy.Port=None\nOS.OpensslPath=None\n';
  assert.deepEqual(parseWaagentConfiguration(text, PATH), {
    proxy: undefined,
    opensslPath: undefined,
    runsExtensions: true,
    libDirectory: '/var/lib/waagent',
    warnings: [],
  });
});

for (const [text, proxy] of [
  ['HttpProxy.Host=proxy.example\nHttpProxy.Port=3128', 'http://proxy.example:3128/'],
  [
    '\ufeffHttpProxy.Host = "proxy.example" # ours\r\n HttpProxy.Port = 3128\r\n',
    'http://proxy.example:3128/',
  ],
  ['HttpProxy.Host=one\nHttpProxy.Host=two', 'http://two/'],
  ['HttpProxy.Host=one\nHttpProxy.Host=None', undefined],
  ['HttpProxy.Host=10.0.0.1\nHttpProxy.Port=80', 'http://10.0.0.1/'],
  ['HttpProxy.Host=fd00::1\nHttpProxy.Port=3128', 'http://[fd00::1]:3128/'],
  ['HttpProxy.Host=[fd00::1]\nHttpProxy.Port=3128', 'http://[fd00::1]:3128/'],
  ['HttpProxy.Host=http://proxy.example\nHttpProxy.Port=3128', 'http://proxy.example:3128/'],
  ['HttpProxy.Host=https://proxy.example', 'https://proxy.example/'],
  ['HttpProxy.Host=proxy.example:3128', 'http://proxy.example:3128/'],
  ['HttpProxy.Host=', undefined],
  ['HttpProxy.Port=3128', undefined],
  ['#HttpProxy.Host=proxy.example', undefined],
  ['HttpProxy.Host', undefined],
  ['', undefined],
] as const) {
  test(`${JSON.stringify(text)} is the proxy ${proxy}`, () => {
    const { proxy: found, warnings } = parseWaagentConfiguration(text, PATH);
    assert.equal(found, proxy);
    assert.deepEqual(warnings, []);
  });
}

test('a proxy that makes no sense is a warning', () => {
  for (const text of [
    'HttpProxy.Host=a b',
    'HttpProxy.Host=proxy\nHttpProxy.Port=abc',
    'HttpProxy.Host=proxy\nHttpProxy.Port=70000',
    'HttpProxy.Host=ftp://proxy',
  ]) {
    const { proxy, warnings } = parseWaagentConfiguration(text, PATH);
    assert.equal(proxy, undefined, text);
    assert.match(warnings.join(), /^\/etc\/waagent\.conf: HttpProxy/);
  }
});

for (const [text, runs] of [
  ['Extensions.Enabled=n', false],
  ['Extensions.Enabled = N # off', false],
  ['Extensions.Enabled="n"', false],
  ['Extensions.Enabled=y\nExtensions.Enabled=n', false],
  ['Extensions.Enabled=no', true],
  ['#Extensions.Enabled=n', true],
  ['', true],
] as const) {
  test(`${JSON.stringify(text)}: the agent runs ${runs ? 'extensions' : 'no extension'}`, () => {
    assert.equal(parseWaagentConfiguration(text, PATH).runsExtensions, runs);
  });
}

test('a missing file sets nothing, an unreadable one is a warning', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-waagent-'));
  const nothing = {
    ...{ proxy: undefined, opensslPath: undefined, libDirectory: undefined },
    runsExtensions: true,
  };
  assert.deepEqual(readWaagentConfiguration(join(folder.path, 'missing')), {
    ...nothing,
    warnings: [],
  });
  const { warnings, ...values } = readWaagentConfiguration(folder.path);
  assert.deepEqual(values, nothing);
  assert.match(warnings.join(), /EISDIR/);
  await writeFile(join(folder.path, 'conf'), 'OS.OpensslPath=/opt/bin/openssl\n');
  assert.equal(readWaagentConfiguration(join(folder.path, 'conf')).opensslPath, '/opt/bin/openssl');
});

const NONE = { proxy: undefined };
const CONFIGURED = { proxy: 'http://agent:1/' };

for (const [what, url, configuration, environment, proxy] of [
  ['nothing', BLOB, NONE, {}, undefined],
  ['the agent’s', BLOB, CONFIGURED, {}, 'http://agent:1/'],
  [
    'the agent’s before the environment’s',
    BLOB,
    CONFIGURED,
    { HTTPS_PROXY: 'http://env:2' },
    'http://agent:1/',
  ],
  ['HTTPS_PROXY', BLOB, NONE, { HTTPS_PROXY: 'http://env:2' }, 'http://env:2/'],
  [
    'https_proxy before HTTPS_PROXY',
    BLOB,
    NONE,
    { HTTPS_PROXY: 'http://env:2', https_proxy: 'http://env:3' },
    'http://env:3/',
  ],
  [
    'a blank https_proxy',
    BLOB,
    NONE,
    { HTTPS_PROXY: 'http://env:2', https_proxy: ' ' },
    'http://env:2/',
  ],
  ['one without a scheme', BLOB, NONE, { HTTPS_PROXY: 'env:2' }, 'http://env:2/'],
  ['one with a password', BLOB, NONE, { HTTPS_PROXY: 'http://u:p@env:2' }, 'http://u:p@env:2/'],
  ['HTTP_PROXY is not for https', BLOB, NONE, { HTTP_PROXY: 'http://env:2' }, undefined],
  [
    'HTTP_PROXY',
    'http://a/',
    NONE,
    { HTTP_PROXY: 'http://env:2', HTTPS_PROXY: 'http://env:3' },
    'http://env:2/',
  ],
  ['one that is none', BLOB, NONE, { HTTPS_PROXY: 'socks5://env:2' }, undefined],
  [
    'NO_PROXY above the environment’s',
    BLOB,
    NONE,
    { HTTPS_PROXY: 'http://env:2', NO_PROXY: '.windows.net' },
    undefined,
  ],
  ['NO_PROXY above the agent’s', BLOB, CONFIGURED, { NO_PROXY: 'windows.net' }, undefined],
  ['no_proxy', BLOB, CONFIGURED, { no_proxy: '*' }, undefined],
  ['NO_PROXY of others', BLOB, CONFIGURED, { NO_PROXY: 'example.com' }, 'http://agent:1/'],
  ['the wire server', 'http://168.63.129.16/metadata', CONFIGURED, {}, undefined],
  ['the metadata service', 'http://169.254.169.254/metadata', CONFIGURED, {}, undefined],
  ['the machine itself', 'https://127.0.0.1:8443/a', CONFIGURED, {}, undefined],
  ['the machine itself by name', 'https://localhost/a', CONFIGURED, {}, undefined],
  ['no URL', 'acct', CONFIGURED, {}, undefined],
] as const) {
  test(`proxy: ${what}`, () => {
    assert.equal(proxyFor(url, configuration, environment), proxy);
  });
}

test.run();
