import * as assert from 'uvu/assert';
import { readStatus } from '../../../src/lab/agent/status-report.ts';
import { suite } from '../../suite.ts';

const test = suite('status as the agent reads it');

interface Parts {
  readonly status?: unknown;
  readonly formattedMessage?: unknown;
  readonly substatus?: unknown;
}

function file(parts: Parts): string {
  const status = {
    status: 'success',
    code: '1',
    operation: 'Enable',
    substatus: [],
    formattedMessage: { lang: 'en-US', message: 'done' },
    ...parts,
  };
  return JSON.stringify([{ version: '1.0', timestampUTC: '2026-11-22T02:49:56Z', status }]);
}

function substatus(parts: object): object {
  return {
    name: 'n',
    status: 'success',
    code: '0',
    formattedMessage: { lang: '', message: '' },
    ...parts,
  };
}

test('reports the first element with its message and substatuses', () => {
  const report = readStatus(file({ substatus: [substatus({ name: 'x' })] }));
  assert.is(report.kind, 'reported');
  assert.ok(report.kind === 'reported');
  assert.equal(
    [report.status, report.code, report.message, report.substatuses[0]?.name, report.cut],
    ['success', '1', 'done', 'x', false],
  );
});

test('waits where there is no file, and cannot read one that is not whole', () => {
  assert.is(readStatus(undefined).kind, 'waiting');
  for (const text of ['', file({}).slice(0, -1), '{}', '[]', '[{}]', '[{"status": null}]']) {
    assert.is(readStatus(text).kind, 'unreadable', text);
  }
});

test('makes an unknown status an error, an unknown substatus unreadable', () => {
  const unknown = readStatus(file({ status: 'finished' }));
  assert.is(unknown.kind === 'reported' && unknown.status, 'error');
  const bad = readStatus(file({ substatus: [substatus({ status: 'finished' })] }));
  assert.is(bad.kind, 'unreadable');
});

test('redacts SAS URIs in messages but not in substatus names', () => {
  const url = 'https://a.blob.core.windows.net/c/b.vhd?sv=1&sig=abc%3D&sp=rw';
  const report = readStatus(
    file({
      formattedMessage: { lang: '', message: `see ${url}, please` },
      substatus: [substatus({ name: url })],
    }),
  );
  assert.ok(report.kind === 'reported');
  assert.not.match(report.message ?? '', 'sig=abc');
  assert.match(report.substatuses[0]?.name ?? '', 'sig=abc');
});

test('cuts a file of over 131,072 characters, counting characters and not bytes', () => {
  const wide = readStatus(file({ formattedMessage: { lang: '', message: 'é'.repeat(120_000) } }));
  assert.is(wide.kind === 'reported' && wide.cut, false);
  const report = readStatus(
    file({
      formattedMessage: { lang: '', message: 'm'.repeat(132_000) },
      substatus: Array.from({ length: 20 }, () => substatus({ name: 'n'.repeat(11_000) })),
    }),
  );
  assert.ok(report.kind === 'reported');
  assert.is(report.cut, true);
  assert.is(report.message?.length, 1_024);
  assert.is(report.substatuses[0]?.name?.length, 10_240);
  assert.ok(report.substatuses.length < 20);
});

test('reports nothing for the whole machine where a text is missing in such a file', () => {
  const big = { lang: '', message: 'm'.repeat(132_000) };
  for (const missing of [
    { formattedMessage: null },
    { name: null },
    { formattedMessage: { lang: '', message: null } },
  ]) {
    const small = readStatus(file({ substatus: [substatus(missing)] }));
    assert.is(small.kind, 'reported');
    const report = readStatus(file({ formattedMessage: big, substatus: [substatus(missing)] }));
    assert.is(report.kind, 'silence', JSON.stringify(missing));
  }
});

test.run();
