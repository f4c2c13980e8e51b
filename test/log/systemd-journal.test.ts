import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { encodeRecord, sendRecord } from '../../src/log/systemd-journal.ts';
import { suite } from '../suite.ts';

const test = suite('systemd journal');

/** Binds a datagram socket, says so, and prints each datagram in hexadecimal; does not read before its input ends. */
const READER = `
import socket, sys
reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
reader.bind(sys.argv[1])
print('ready', flush=True)
sys.stdin.read()
reader.setblocking(False)
try:
    while True:
        print(reader.recv(1 << 20).hex(), flush=True)
except BlockingIOError:
    pass
`;

/** The datagrams that arrive at a socket that is not read while \`work\` runs. */
async function received(work: (socket: string) => void): Promise<Buffer[]> {
  await requireLabCommands(['python3']);
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-journal-'));
  try {
    const socket = join(folder, 'socket');
    const reader = spawn('python3', ['-c', READER, socket], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    const ready = Promise.withResolvers<void>();
    reader.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.startsWith('ready\n')) {
        ready.resolve();
      }
    });
    const ended = once(reader, 'close');
    await Promise.race([ready.promise, ended]);
    work(socket);
    reader.stdin.end();
    await ended;
    return said
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => Buffer.from(line, 'hex'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a value is a line; one with a line feed has its length before it', () => {
  const record = encodeRecord({ MESSAGE: 'ü = x', TWO: 'a\nbc', NONE: '' });
  const length = Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(
    record,
    Buffer.concat([Buffer.from('MESSAGE=ü = x\nTWO\n'), length, Buffer.from('a\nbc\nNONE=\n')]),
  );
});

test('a value cannot forge another field', () => {
  const record = encodeRecord({ MESSAGE: 'x\nPRIORITY=0' }).toString('latin1');
  assert.is(record, 'MESSAGE\n\x0c\0\0\0\0\0\0\0x\nPRIORITY=0\n');
});

test('long values are cut, and short ones are not', () => {
  const record = encodeRecord({
    LONG: 'x'.repeat(500_000),
    LINES: 'y\n'.repeat(90_000),
    SHORT: 'all',
  });
  assert.ok(record.length <= 64 * 1024 && record.length > 20_000, String(record.length));
  assert.ok(record.includes('\nSHORT=all\n'));
});

test('a record is one datagram', async () => {
  const fields = { MESSAGE: 'a\nb', LONG: 'x'.repeat(60_000) };
  const datagrams = await received((socket) => {
    assert.is(sendRecord(fields, socket), undefined);
    assert.is(sendRecord({ MESSAGE: 'second' }, socket), undefined);
  });
  assert.equal(datagrams, [encodeRecord(fields), encodeRecord({ MESSAGE: 'second' })]);
});

test('no journal is no problem; one that does not read is one, and is not waited for', async () => {
  assert.is(sendRecord({ MESSAGE: 'x' }, '/nowhere/socket'), undefined);
  assert.match(sendRecord({ MESSAGE: 'x' }, `/${'x'.repeat(200)}`) ?? '', 'ENAMETOOLONG');
  let problem: string | undefined;
  await received((socket) => {
    for (let count = 0; count < 100_000 && problem === undefined; count += 1) {
      problem = sendRecord({ MESSAGE: 'x' }, socket);
    }
  });
  assert.match(problem ?? '', 'took no record of this run (EAGAIN)');
});

test.run();
