import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  type EventChannel,
  renderEvents,
  type TelemetryEvent,
  writeEvents,
} from '../../../src/extension/telemetry/events.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import { suite } from '../../suite.ts';

const test = suite('telemetry events');

const AT = new Date('2026-11-22T02:41:52.639Z');
const SECRET = 'Tywk/OXL1zvhXcLujtC+t8g3jTpgbE6JpSWRLZxAdtA=';

const eventOf = (message: string): TelemetryEvent => ({ at: AT, level: 'Informational', message });

async function withChannel(
  body: (channel: EventChannel & { readonly eventsFolder: string }) => Promise<void>,
): Promise<void> {
  const logFolder = await mkdtemp(join(tmpdir(), 'ff-events-'));
  const eventsFolder = join(logFolder, 'events');
  await mkdir(eventsFolder, { mode: 0o700 });
  const redaction = new Redaction();
  redaction.addUrl(`https://a/b?sig=${encodeURIComponent(SECRET)}`);
  try {
    await body({
      eventsFolder,
      extensionVersion: '1.0.9200.0',
      taskName: 'Snapshot',
      operationId: 'e07354cf_1',
      redaction,
    });
  } finally {
    await rm(logFolder, { recursive: true });
  }
}

test('one file of digits with an array of events, every field a string, and nothing beside it', () =>
  withChannel(async (channel) => {
    assert.equal(await writeEvents([eventOf('one'), eventOf('twö')], channel), {
      ok: true,
      written: 2,
      leftOut: 0,
    });
    const [name = '', ...others] = await readdir(channel.eventsFolder);
    assert.match(name, /^\d{19}\.json$/);
    assert.equal(others, []);
    assert.equal(await readdir(join(channel.eventsFolder, '..')), ['events']);
    const events: unknown = JSON.parse(await readFile(join(channel.eventsFolder, name), 'utf8'));
    const common = {
      Version: '1.0.9200.0',
      Timestamp: '2026-11-22T02:41:52.639Z',
      TaskName: 'Snapshot',
      EventLevel: 'Informational',
      EventPid: String(process.pid),
      EventTid: String(process.pid),
      OperationId: 'e07354cf_1',
    };
    assert.equal(events, [
      { ...common, Message: 'one' },
      { ...common, Message: 'twö' },
    ]);
  }));

test('each event stays within the agent’s limits, whatever its message', () =>
  withChannel(async (channel) => {
    const odd = { ...channel, operationId: 'x'.repeat(9_000) };
    for (const filling of ['a', '"', '\u0001', 'é', '😀', '\ud83d']) {
      const text = renderEvents([eventOf(filling.repeat(200_000 / filling.length))], odd);
      assert.ok(text.length <= 6_144, filling);
      const [event] = JSON.parse(text) as { readonly Message: string }[];
      assert.ok(event && event.Message.length > 700 && event.Message.length <= 3_072);
      assert.ok(event.Message.isWellFormed());
    }
  }));

test('the newest events are kept where there are too many', () =>
  withChannel(async (channel) => {
    const many = Array.from({ length: 500 }, (_, index) => eventOf(`event ${index}`));
    assert.equal(await writeEvents(many, channel), { ok: true, written: 300, leftOut: 200 });
    const [name = ''] = await readdir(channel.eventsFolder);
    const text = await readFile(join(channel.eventsFolder, name), 'utf8');
    assert.not.match(text, /"event 199"/);
    assert.match(text, /"event 200".*"event 499"/);
  }));

test('an event without a message is left out, since the agent would take it for a broken one', () =>
  withChannel(async (channel) => {
    const events = [eventOf(''), eventOf('said'), eventOf(' \n')];
    assert.equal(await writeEvents(events, channel), { ok: true, written: 1, leftOut: 2 });
    assert.equal(await writeEvents([eventOf('')], channel), { ok: true, written: 0, leftOut: 1 });
    assert.is((await readdir(channel.eventsFolder)).length, 1);
  }));

test('no secret gets into an event', () =>
  withChannel(async (channel) => {
    const text = renderEvents([eventOf(`PUT ?sv=1&sig=${SECRET} and ${SECRET}`)], channel);
    assert.match(text, /REDACTED/);
    assert.not.match(text, /Tywk|xAdtA/);
  }));

test('an old agent without a folder gets none', () =>
  withChannel(async (channel) => {
    assert.equal(await writeEvents([eventOf('x')], { ...channel, eventsFolder: undefined }), {
      ok: true,
      written: 0,
      leftOut: 1,
    });
    assert.equal(await readdir(channel.eventsFolder), []);
  }));

test('nothing is written while the folder is full of what nobody collects', () =>
  withChannel(async (channel) => {
    await writeFile(join(channel.eventsFolder, '1.json'), Buffer.alloc(4 * 1024 * 1024));
    const result = await writeEvents([eventOf('x')], channel);
    assert.match(JSON.stringify(result), /"ok":false.*full/);
    assert.equal(await readdir(channel.eventsFolder), ['1.json']);
    await rm(join(channel.eventsFolder, '1.json'));
    for (let index = 0; index < 100; index += 1) {
      await writeFile(join(channel.eventsFolder, `${index}.json`), '[]');
    }
    assert.is((await writeEvents([eventOf('x')], channel)).ok, false);
  }));

test('a folder that is gone is no error of the backup', () =>
  withChannel(async (channel) => {
    const eventsFolder = join(channel.eventsFolder, 'gone');
    const result = await writeEvents([eventOf('x')], { ...channel, eventsFolder });
    assert.equal(result, { ok: false, message: 'the events could not be written: ENOENT' });
    assert.equal(await readdir(channel.eventsFolder), []);
  }));

test.run();
