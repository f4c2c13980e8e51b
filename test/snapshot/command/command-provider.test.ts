import * as assert from 'uvu/assert';
import { CommandProvider } from '../../../src/snapshot/command/command-provider.ts';
import { HeldCommand } from '../../../src/snapshot/command/held-command.ts';
import { HeldOutput } from '../../../src/snapshot/command/held-output.ts';
import { findProgram } from '../../../src/snapshot/command/program-path.ts';
import type { SnapshotEvent } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';

const test = suite('command in the window');

/** A command that is ready, its provider, and the events of the provider. */
class Scene implements AsyncDisposable {
  readonly events: SnapshotEvent[] = [];
  readonly provider: CommandProvider;
  readonly command: HeldCommand;
  readonly #answered = Promise.withResolvers<void>();

  private constructor(command: HeldCommand) {
    this.command = command;
    this.provider = new CommandProvider(command, {
      onEvent: (event) => {
        this.events.push(event);
        this.#answered.resolve();
      },
    });
  }

  static async of(script: string): Promise<Scene> {
    const scene = new Scene(await HeldCommand.hold(['sh', '-c', script]));
    await scene.provider.preflight();
    return scene;
  }

  fire(limitMs = 10_000): void {
    this.provider.fire([0], process.hrtime.bigint() + BigInt(limitMs) * 1_000_000n);
  }

  async answered(): Promise<string[]> {
    await this.#answered.promise;
    return this.events.map(({ kind }) => kind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider[Symbol.asyncDispose]();
    this.command.terminate();
    await this.command.endAfterTermination();
    await this.command[Symbol.asyncDispose]();
  }
}

test('does nothing before its start, and then ends like the command', async () => {
  await using scene = await Scene.of('echo out; echo err >&2');
  assert.equal(await scene.provider.rewarm(), [{ ok: true, target: 0, warm: true }]);
  assert.equal(scene.command.output.pieces(), []);
  scene.fire();
  assert.equal(await scene.answered(), ['acknowledged']);
  await scene.command.outputArrived();
  assert.is(scene.command.output.text('stdout'), 'out\n');
  assert.is(scene.command.output.text('stderr'), 'err\n');
  const [answer] = await scene.provider.answers();
  assert.is(answer?.failure, undefined);
  assert.ok((answer?.acknowledgedNs ?? 0n) > (answer?.firedNs ?? 0n));
});

test('a command that fails is named with its exit code or signal', async () => {
  for (const [script, message] of [
    ['exit 3', 'exit code 3'],
    ['kill -KILL $$', 'SIGKILL'],
  ] as const) {
    await using scene = await Scene.of(script);
    scene.fire();
    assert.equal(await scene.answered(), ['failed']);
    const [answer] = await scene.provider.answers();
    assert.is(answer?.failure?.kind, 'command');
    assert.match(answer?.failure?.message ?? '', message);
  }
});

test('at the deadline it is given up first, and then gets SIGTERM', async () => {
  await using scene = await Scene.of("trap 'exit 9' TERM; while :; do sleep 0.01; done");
  scene.fire(100);
  assert.equal(await scene.answered(), ['failed']);
  const [answer] = await scene.provider.answers();
  assert.is(answer?.failure?.kind, 'timeout');
  assert.equal(await scene.command.endAfterTermination(), { kind: 'exited', exitCode: 9 });
  assert.is(scene.events.length, 1);
});

test('an abort ends a command that was started, and no other', async () => {
  await using idle = await Scene.of('exit 0');
  idle.provider.abort();
  assert.equal(idle.events, []);
  assert.is((await idle.provider.answers())[0]?.attempts, 0);
  await using busy = await Scene.of('exec sleep 60');
  busy.fire();
  busy.provider.abort();
  assert.equal(await busy.answered(), ['failed']);
  assert.equal(await busy.command.endAfterTermination(), { kind: 'killed', signal: 'SIGTERM' });
});

test('a command that is killed while it waits is reported before anything is frozen', async () => {
  await using scene = await Scene.of('exit 0');
  scene.command.terminate();
  await scene.command.ended;
  const [warm] = await scene.provider.rewarm();
  assert.is(warm?.ok, false);
  scene.fire();
  assert.equal(await scene.answered(), ['failed']);
});

test('a command that is never started is not run', async () => {
  const command = await HeldCommand.hold(['sh', '-c', 'echo run']);
  await command.ready;
  await command[Symbol.asyncDispose]();
  assert.equal(await command.ended, { kind: 'exited', exitCode: 125 });
});

test('output is kept in order, byte for byte, up to the limit', () => {
  const output = new HeldOutput(6);
  output.add('stdout', Buffer.from('ab\0'));
  output.add('stderr', Buffer.from('cd'));
  output.add('stdout', Buffer.from('efg'));
  assert.equal(
    output.pieces().map(({ stream, bytes }) => [stream, bytes.toString()]),
    [
      ['stdout', 'ab\0'],
      ['stderr', 'cd'],
      ['stdout', 'e'],
    ],
  );
  assert.is(output.lostBytes, 2);
});

test('programs are found as a shell finds them', async () => {
  assert.is(await findProgram('sh', '/nowhere:/bin'), '/bin/sh');
  assert.is(await findProgram('/bin/sh', ''), '/bin/sh');
  for (const [name, path, code] of [
    ['sh', '/nowhere', 'FF_COMMAND_NOT_FOUND'],
    ['passwd', '/etc', 'FF_COMMAND_NOT_EXECUTABLE'],
    ['/etc', '', 'FF_COMMAND_NOT_EXECUTABLE'],
    ['', '/bin', 'FF_COMMAND_NOT_FOUND'],
  ] as const) {
    const found = await findProgram(name, path).catch((error: { code: string }) => error.code);
    assert.is(found, code, name);
  }
});

test('a command line in one word is refused without its arguments, which may be secret', async () => {
  const message = await findProgram('/x/backup --password hush1234').catch(String);
  assert.match(
    message,
    '"/x/backup …": program not found; nothing was frozen. Give the program and',
  );
  assert.not.match(message, 'hush1234');
});

test.run();
