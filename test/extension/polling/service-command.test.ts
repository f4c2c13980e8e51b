import * as assert from 'uvu/assert';
import { passedOn } from '../../../src/extension/polling/service-command.ts';
import { suite } from '../../suite.ts';

const test = suite('command of the polling service');

test('the service goes by the same proxies and authorities as a task', () => {
  const environment = {
    https_proxy: 'http://proxy:3128',
    NO_PROXY: '10.0.0.0/8',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    SSL_CERT_FILE: '/etc/bundle.pem',
  };
  assert.equal(passedOn({ ...environment, HTTP_PROXY: '', SECRET: 'x' }), environment);
});

test('a password of a proxy does not get into a unit that everybody may read', () => {
  const environment = {
    https_proxy: 'http://user:password@proxy:3128',
    HTTP_PROXY: 'user:pw@proxy',
  };
  assert.equal(passedOn(environment), {});
});

test.run();
