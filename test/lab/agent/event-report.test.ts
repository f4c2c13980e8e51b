import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { collectEvents, readEventFile } from '../../../src/lab/agent/event-report.ts';
import { suite } from '../../suite.ts';

const test = suite('events as the agent collects them');

const EVENT = {
  Version: '1.0.0.1',
  Timestamp: '2026-11-22T02:49:56.123Z',
  TaskName: 'task',
  EventLevel: 'Informational',
  Message: 'done',
  EventPid: 12,
  EventTid: '13',
  OperationId: 'id',
};

function read(value: unknown): ReturnType<typeof readEventFile> {
  return readEventFile('1.json', Buffer.from(JSON.stringify(value)));
}

test('takes one event or an array of them', () => {
  assert.is(read(EVENT).events.length, 1);
  assert.is(read([EVENT, EVENT]).events.length, 2);
});

test('drops what lacks a field, has a wrong type, level or time, or is too long', () => {
  const { OperationId: _, ...incomplete } = EVENT;
  const bad = [
    incomplete,
    { ...EVENT, Version: 1 },
    { ...EVENT, EventPid: 1.5 },
    { ...EVENT, EventLevel: 'Info' },
    { ...EVENT, Timestamp: '22.11.2026' },
    { ...EVENT, Message: 'm'.repeat(6_200) },
    'text',
  ];
  const { events, dropped } = read([...bad, EVENT]);
  assert.is(events.length, 1);
  assert.is(dropped.length, bad.length);
  assert.is(readEventFile('1.json', Buffer.from('[')).dropped.length, 1);
  assert.is(readEventFile('1.json', Buffer.alloc(5 * 2 ** 20, ' ')).dropped.length, 1);
});

test('cuts long messages', () => {
  assert.is(read({ ...EVENT, Message: 'm'.repeat(4_000) }).events[0]?.message.length, 3_072);
});

test('sends the newest 360 and empties the folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'events-'));
  try {
    const many = Array.from({ length: 359 }, () => EVENT);
    await writeFile(join(folder, '9.json'), JSON.stringify([EVENT]));
    await writeFile(join(folder, '11.json'), JSON.stringify({ ...EVENT, Message: 'newest' }));
    await writeFile(join(folder, '10.json'), JSON.stringify(many));
    await writeFile(join(folder, '12.json.tmp'), '');
    await mkdir(join(folder, '13.json.d'));
    const { events, dropped } = await collectEvents(folder);
    assert.is(events.length, 360);
    assert.is(events[0]?.message, 'newest');
    assert.is(dropped.length, 3);
    assert.equal(await readdir(folder), []);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
