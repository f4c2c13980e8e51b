import { readdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertCommands, assertReported } from './checks.ts';
import { preparePayload } from './payload.ts';
import { Scene } from './scene.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('extension on a machine in odd states');
const LOCK = '/etc/azure/MicrosoftRecoverySvcsSafeFreezeLock';
const IDENTITY = 'machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123358B';

/** What a shell in the extension's directory does before a task; $n is the number of the task. */
const STATES: readonly (readonly [what: string, shell: string])[] = [
  [
    'the record is garbage, and dead processes are noted and named in locks',
    `printf garbage >mrseq
    rm -rf workers; mkdir workers
    printf '{"pid":1,"startTicks":"1","bootId":"11111111-2222-3333-4444-555555555555"}' >workers/1.json
    printf '{"pid":99999,"startTicks":"1"}' >workers/99999.json
    printf 99999 | tee run.lock >enable.lock`,
  ],
  [
    'the record is ahead, and the other extension has left its files',
    `printf ' 9999\\n' >mrseq
    printf a_1 >task_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C
    printf '{x}' >machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C
    mkdir -p ${LOCK} /etc/azure/DefaultScripts; printf 99999 >${LOCK}/SafeFreezeLockFile
    cp /etc/azure/workload.conf /etc/azure/workload.conf.bak`,
  ],
  [
    'the record is what the other extension writes on a restored machine, and stale settings and statuses lie about',
    `printf %s -1 >mrseq
    for i in 3 500 9999; do printf x | tee config/$i.settings >status/$i.status; done
    touch -d 2020-01-01 config/*.settings status/*.status
    printf '[{"status":{"status":"transitioning"' >status/$n.status`,
  ],
  [
    'the records are NUL, as after a power cut, and there is no folder for the status, and none for the log',
    `printf '\\0\\0' | tee mrseq mrtask >unfinished
    rm -rf status /var/log/azure`,
  ],
  [
    'the identities are empty, and /etc/azure is writable by all',
    `: >${IDENTITY}; : >/etc/azure/${IDENTITY}; chmod 777 /etc/azure`,
  ],
  ['/etc/azure is missing', 'rm -r /etc/azure'],
  ['/etc/azure belongs to another user', 'rm -r /etc/azure/*; chown 1000:1000 /etc/azure'],
  ['/etc/azure is a file', 'rm -r /etc/azure; : >/etc/azure'],
  [
    '/etc/azure is a link of another user, and HandlerEnvironment.json has a byte order mark, more members, and no name',
    `rm -r /etc/azure; mkdir -p /srv/azure; ln -s /srv/azure /etc/azure; chown -h 1000 /etc/azure
    text=$(sed 's/"name"/"x":NaN,"y"/' HandlerEnvironment.json)
    printf '\\357\\273\\277%s' "$text" >HandlerEnvironment.json`,
  ],
  [
    'the directory of the agent is a link, and root’s group may write to it',
    `cd /var/lib; mv waagent ../../srv/waagent; ln -s ../../srv/waagent waagent
    chmod 775 . waagent waagent/*Flashfreeze*`,
  ],
];

test('a new task is carried out without a warning, once, whatever state the machine is in', async () => {
  await using scene = await Scene.create({ disks: [{ type: 'ext4' }] });
  assertCommands(await scene.send((await scene.task()).settings), ['install', 'enable']);
  await scene.settled();
  const { directory, config, status } = scene.agent.folders;
  for (const [index, [what, shell]] of STATES.entries()) {
    await scene.inGuest(`cd ${directory} && n=${scene.sequenceNumber + 1} && ${shell}`);
    const task = await scene.task();
    assertCommands(await scene.send(task.settings), ['enable']);
    await scene.settled();
    await assertBlobStatus(task, 1);
    assertCommands(await scene.sendAgain(task.settings), ['enable']);
    await scene.settled();
    await assertReported(scene, 1, what);
    assert.equal(await scene.snapshotCounts(), scene.each(index + 2), what);
    const names = await Promise.all([config, status].map((it) => readdir(scene.guest.path(it))));
    const current = names.flat().filter((name) => /\.(settings|status)$/.test(name));
    const number = scene.sequenceNumber;
    assert.equal(current, [`${number}.settings`, `${number}.status`], what);
  }
});

test.run();
