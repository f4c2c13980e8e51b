import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import type { PendingCleanup, QuiesceCircumstances } from '../../../src/quiesce/quiesce-types.ts';
import { runPending } from '../../../src/quiesce/run-pending.ts';
import { suite } from '../../suite.ts';
import { codesOf, type Quiesced, quiesceWorkload } from './quiescing.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('Oracle (a stand-in for sqlplus)');
const STAND_IN = join(import.meta.dirname, 'fixtures/sqlplus.sh');
const NOBODY = 65_534;
/** BEGIN BACKUP must have been asked for by then, also on a busy machine. */
const SECONDS_TO_BEGIN = 5;

interface InstanceState {
  readonly status?: string;
  readonly mode?: string;
}

/** Instances of one ORACLE_HOME, each with a state of its own. */
class Instances {
  readonly home: string;
  readonly #sids: readonly string[];

  constructor(states: Readonly<Record<string, InstanceState>>) {
    this.home = mkdtempSync('/lab/oracle-');
    this.#sids = Object.keys(states);
    mkdirSync(join(this.home, 'bin'));
    copyFileSync(STAND_IN, join(this.home, 'bin/sqlplus'));
    chmodSync(this.home, 0o755);
    chmodSync(join(this.home, 'bin/sqlplus'), 0o755);
    for (const [sid, { status = 'OPEN', mode = 'ARCHIVELOG' }] of Object.entries(states)) {
      mkdirSync(join(this.home, 'state', sid), { recursive: true });
      this.set(sid, 'status', status);
      this.set(sid, 'mode', mode);
      this.set(sid, 'files', '/lab\n');
      this.set(sid, 'trace', '');
      chownSync(join(this.home, 'state', sid), NOBODY, NOBODY);
      chownSync(join(this.home, 'state', sid, 'trace'), NOBODY, NOBODY);
    }
  }

  set(sid: string, name: string, value: string): void {
    writeFileSync(join(this.home, 'state', sid, name), value);
  }

  get(sid: string, name: string): string {
    return readFileSync(join(this.home, 'state', sid, name), 'utf8');
  }

  isInBackup(sid: string): boolean {
    return existsSync(join(this.home, 'state', sid, 'backup'));
  }

  /** Statements that change something, in order. */
  altered(sid: string): string[] {
    return this.trace(sid).filter((line) => line.startsWith('ALTER'));
  }

  /** Resolves when the backup mode is begun. */
  async hasBegun(sid: string): Promise<void> {
    while (!this.isInBackup(sid)) {
      await delay(20);
    }
  }

  trace(sid: string): string[] {
    return this.get(sid, 'trace').trim().split('\n');
  }

  async quiesce(lines = '', circumstances: Partial<QuiesceCircumstances> = {}): Promise<Quiesced> {
    const oratab = join(this.home, 'oratab');
    const entries = this.#sids.map((sid) => `${sid}:${this.home}:Y`);
    writeFileSync(oratab, `# instances\n${entries.join('\n')}\n`);
    return await quiesceWorkload(
      `[workload]\nworkload_name = oracle\nlinux_user = nobody\nconfiguration_path = ${oratab}\ntimeout = 10\n${lines}\n`,
      circumstances,
    );
  }
}

const BACKUP = [
  'ALTER DATABASE BEGIN BACKUP;',
  'ALTER DATABASE END BACKUP;',
  'ALTER SYSTEM ARCHIVE LOG CURRENT;',
];

test('an open database is in its backup mode from quiesce to resume', async () => {
  const instances = new Instances({ ORCL: {} });
  const { application, said, message } = await instances.quiesce();
  assert.is(said, 'freeze', message);
  assert.ok(instances.isInBackup('ORCL'));
  await application.resume();
  assert.not.ok(instances.isInBackup('ORCL'));
  assert.equal(codesOf(application), []);
  assert.equal(instances.altered('ORCL'), BACKUP);
  assert.ok(application.record().held !== undefined);
  const [first = ''] = instances.trace('ORCL');
  assert.is(first, `arguments: -S /nolog as nobody, home ${instances.home}`);
  assert.ok(instances.trace('ORCL').includes('CONNECT / AS SYSBACKUP'));
});

test('without a logon an account of either group is let in, by a server of any age', async () => {
  for (const limit of ['backup-only', 'dba-only', 'old']) {
    const instances = new Instances({ ORCL: {} });
    instances.set('ORCL', limit, '');
    const { application, said, message } = await instances.quiesce();
    assert.is(said, 'freeze', `${limit}: ${message}`);
    await application.resume();
    assert.equal(codesOf(application), []);
    assert.equal(instances.altered('ORCL'), BACKUP);
  }
  const instances = new Instances({ ORCL: {} });
  instances.set('ORCL', 'backup-only', '');
  instances.set('ORCL', 'dba-only', '');
  assert.is((await instances.quiesce()).said, 'freeze 505');
});

test('several instances are quiesced, all or none', async () => {
  const instances = new Instances({ A: {}, B: {}, C: { mode: 'NOARCHIVELOG' } });
  const failed = await instances.quiesce();
  assert.is(failed.said, 'freeze 511');
  assert.match(failed.message, 'Oracle C is open in NOARCHIVELOG');
  for (const sid of ['A', 'B']) {
    assert.equal(instances.altered(sid), BACKUP, sid);
  }
  instances.set('C', 'mode', 'ARCHIVELOG');
  const { application, said } = await instances.quiesce();
  assert.is(said, 'freeze');
  assert.equal(
    ['A', 'B', 'C'].map((sid) => instances.isInBackup(sid)),
    [true, true, true],
  );
  await application.resume();
  assert.equal(
    ['A', 'B', 'C'].map((sid) => instances.isInBackup(sid)),
    [false, false, false],
  );
});

for (const status of ['MOUNTED', 'STARTED', 'DOWN']) {
  test(`a database that is ${status} is consistent as it lies, whatever its log mode`, async () => {
    const instances = new Instances({ ORCL: { status, mode: 'NOARCHIVELOG' } });
    const { application, said } = await instances.quiesce();
    assert.is(said, 'freeze');
    await application.resume();
    assert.equal(codesOf(application), []);
    assert.equal(instances.altered('ORCL'), []);
    assert.is(application.record().held, undefined);
  });
}

test('a log mode or a status that changed meanwhile: 512, 508', async () => {
  for (const [name, value, code] of [
    ['mode', 'NOARCHIVELOG', 512],
    ['status', 'MOUNTED', 508],
  ] as const) {
    const instances = new Instances({ ORCL: {} });
    const { application } = await instances.quiesce();
    instances.set('ORCL', name, value);
    await application.resume();
    assert.equal(codesOf(application), [code]);
    assert.not.ok(instances.isInBackup('ORCL'));
  }
});

test('a backup mode that somebody else has begun is not ended: 509, and nothing is owed', async () => {
  const instances = new Instances({ ORCL: {} });
  instances.set('ORCL', 'backup', '');
  const debts = new Debts();
  const { application, said, message } = await instances.quiesce('', debts);
  assert.is(said, 'freeze 509');
  assert.match(message, 'ORA-01146');
  assert.equal(debts.settled, [[]]);
  await application.resume();
  assert.ok(instances.isInBackup('ORCL'));
});

/** What is owed, and what was said to be left of it. */
class Debts {
  readonly pending: PendingCleanup[] = [];
  readonly settled: (readonly PendingCleanup[])[] = [];
  readonly addPending: QuiesceCircumstances['addPending'] = async (all) => {
    this.pending.push(...all);
    return async (left = []) => {
      this.settled.push(left);
    };
  };
}

test('the backup mode is owed while it lasts, and a command that finds it owed ends it', async () => {
  const instances = new Instances({ ORCL: {} });
  const debts = new Debts();
  const { application } = await instances.quiesce('', debts);
  assert.ok(instances.isInBackup('ORCL'));
  const payments = await runPending(debts.pending, () => {});
  assert.match(payments.map(({ sentence }) => sentence).join(), 'ALTER DATABASE END BACKUP');
  assert.equal(
    payments.map(({ left }) => left),
    [undefined],
  );
  assert.not.ok(instances.isInBackup('ORCL'));
  assert.equal(debts.settled, []);
  await application.resume();
  // It was not held until now.
  assert.equal(codesOf(application), [504]);
  assert.equal(debts.settled, [[]]);
});

for (const [name, lose] of [
  ['was killed', (all: Instances) => process.kill(Number(all.get('ORCL', 'pid')), 'SIGKILL')],
  ['has lost its server', (all: Instances) => all.set('ORCL', 'lost', all.get('ORCL', 'pid'))],
] as const) {
  test(`a session that ${name} meanwhile: 504, and a fresh one ends the backup mode`, async () => {
    const instances = new Instances({ ORCL: {} });
    const debts = new Debts();
    const { application, said } = await instances.quiesce('', debts);
    assert.is(said, 'freeze');
    lose(instances);
    await application.resume();
    assert.equal(codesOf(application), [504]);
    assert.not.ok(instances.isInBackup('ORCL'));
    assert.equal(debts.settled, [[]]);
  });
}

for (const end of ['time-out', 'abort'] as const) {
  test(`a BEGIN BACKUP that hangs until ${end === 'abort' ? 'an abort' : 'its time-out'}: a fresh session ends it`, async () => {
    const instances = new Instances({ ORCL: {} });
    instances.set('ORCL', 'begin-hangs', '');
    const debts = new Debts();
    const abort = new AbortController();
    const quiescing = instances.quiesce(`timeout = ${end === 'abort' ? 300 : SECONDS_TO_BEGIN}`, {
      ...debts,
      abort: abort.signal,
    });
    if (end === 'abort') {
      await instances.hasBegun('ORCL');
      abort.abort();
    }
    assert.is((await quiescing).said, end === 'abort' ? 'freeze 506' : 'freeze 510');
    assert.equal(instances.altered('ORCL'), BACKUP.slice(0, 2));
    assert.not.ok(instances.isInBackup('ORCL'));
    assert.equal(debts.settled, [[]]);
  });
}

test('a BEGIN BACKUP that takes effect only after END BACKUP was refused: the next command ends it', async () => {
  const instances = new Instances({ ORCL: {} });
  instances.set('ORCL', 'begin-late', '');
  const debts = new Debts();
  const { said, notes } = await instances.quiesce(`timeout = ${SECONDS_TO_BEGIN}`, debts);
  assert.is(said, 'freeze 510');
  assert.match(notes.join('\n'), 'ORA-01142');
  assert.ok(instances.isInBackup('ORCL'));
  const [result] = await runPending(debts.settled.flat(), () => {});
  assert.match(result?.sentence ?? '', 'ran "ALTER DATABASE END BACKUP;"');
  assert.is(result?.left, undefined);
  assert.not.ok(instances.isInBackup('ORCL'));
});

test('so does the second command after a run that died before the answer to its BEGIN BACKUP', async () => {
  const instances = new Instances({ ORCL: {} });
  const debts = new Debts();
  const { application } = await instances.quiesce('', debts);
  await application.resume();
  // As if the run had died, and the server still worked on its BEGIN BACKUP.
  instances.set('ORCL', 'beginning', '');
  const [first] = await runPending(debts.pending, () => {});
  assert.match(first?.sentence ?? '', /ORA-01142.* the next command will run it once more/);
  assert.ok(instances.isInBackup('ORCL'));
  const [second] = await runPending(first?.left === undefined ? [] : [first.left], () => {});
  assert.is(second?.left, undefined);
  assert.not.ok(instances.isInBackup('ORCL'));
});

test('a second END BACKUP that finds no backup mode is the last one', async () => {
  const instances = new Instances({ ORCL: {} });
  const debts = new Debts();
  const { application } = await instances.quiesce('', debts);
  await application.resume();
  const [first] = await runPending(debts.pending, () => {});
  const left = first?.left === undefined ? [] : [first.left];
  assert.is(left.length, 1);
  const [second] = await runPending(left, () => {});
  assert.match(second?.sentence ?? '', 'ORA-01142');
  assert.is(second?.left, undefined);
});

test('what even a fresh session cannot end stays owed', async () => {
  const instances = new Instances({ ORCL: {} });
  const debts = new Debts();
  const { application } = await instances.quiesce('', debts);
  instances.set('ORCL', 'end-fails', '');
  await application.resume();
  assert.equal(codesOf(application), [505]);
  // That it has begun is known by now.
  assert.equal(debts.pending, [{ ...debts.settled[0]?.[0], mayBeginLater: true }]);
  assert.equal(Object.keys(debts.settled[0]?.[0] ?? {}).includes('mayBeginLater'), false);
  const [payment] = await runPending(debts.pending, () => {});
  assert.equal(payment?.left, debts.pending[0]);
  assert.match(payment?.sentence ?? '', 'ORA-01031');
});

test('a password that expires soon lets in all the same', async () => {
  const instances = new Instances({ ORCL: {} });
  const { application, said, message } = await instances.quiesce('credString = system/expiring');
  assert.is(said, 'freeze', message);
  await application.resume();
  assert.equal(codesOf(application), []);
});

test('a password in quotation marks reaches sqlplus as it is', async () => {
  const instances = new Instances({ ORCL: {} });
  const { application } = await instances.quiesce('credString = system/"p@ss 99"@ORCL AS SYSDBA');
  await application.resume();
  assert.ok(instances.trace('ORCL').includes('CONNECT system/"p@ss 99"@ORCL AS SYSDBA'));
});

test('a wrong password: 505, and it is neither in the message nor in the arguments', async () => {
  const instances = new Instances({ ORCL: {} });
  const { said, message } = await instances.quiesce('credString = system/wrong-hush');
  assert.is(said, 'freeze 505');
  assert.not.match(message, 'wrong-hush');
  assert.not.match(instances.trace('ORCL')[0] ?? '', 'hush');
});

test('data files that no snapshot holds: 500', async () => {
  const instances = new Instances({ ORCL: {} });
  instances.set('ORCL', 'files', '/lab\n/dev/shm\n');
  const { said, message } = await instances.quiesce();
  assert.is(said, 'freeze 500');
  assert.match(message, 'the data file /dev/shm lies on /dev/shm, which');
  assert.not.ok(instances.isInBackup('ORCL'));
});

test('an instance that does not answer: 510 in time', async () => {
  const instances = new Instances({ ORCL: {} });
  instances.set('ORCL', 'hangs', '');
  const { said } = await instances.quiesce('timeout = 1');
  assert.is(said, 'freeze 510');
});

test('no oratab: 501', async () => {
  const { said } = await quiesceWorkload(
    '[workload]\nworkload_name = oracle\nlinux_user = nobody\nconfiguration_path = /nowhere/oratab\n',
  );
  assert.is(said, 'freeze 501');
});

test('an oratab without a database, where nothing would be quiesced: 501', async () => {
  const { said, message } = await new Instances({ '+ASM': {} }).quiesce();
  assert.is(said, 'freeze 501');
  assert.match(message, 'names no database');
});

test('no sqlplus: 500', async () => {
  const instances = new Instances({ ORCL: {} });
  await runCommand('rm', [join(instances.home, 'bin/sqlplus')]);
  assert.is((await instances.quiesce()).said, 'freeze 500');
});

test.run();
