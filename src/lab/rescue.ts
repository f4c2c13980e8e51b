/**
 * Ends a lab whose supervisor has died: runs in the lab's mount namespace, with an open mountinfo of
 * it as descriptor 4.
 *   rescue.ts <pid of the lab's first process>
 */
import { processEnd, signalProcess } from './processes.ts';
import { DiskRemoval, MountTable } from './removal.ts';

const init = Number(process.argv[2]);
using mounts = new MountTable(4);
const removal = new DiskRemoval(mounts);
signalProcess(init, 'SIGKILL');
await removal.thawUntil(processEnd(init));
await removal.remove();
