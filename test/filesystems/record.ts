/**
 * Records what the plan reads of this machine as a fixture:
 *
 *   node test/filesystems/record.ts test/filesystems/fixtures/recorded/<name>
 *
 * writes `<name>.mountinfo` and `<name>.sysfs`. It holds what is mounted where, device names, sizes,
 * disk models and the paths of loop devices' images: read both files before they leave the machine.
 * Record again when the reader has come to read more.
 */
import { writeFile } from 'node:fs/promises';
import { MountTree } from '../../src/filesystems/mount-tree.ts';
import { readMounts } from '../../src/filesystems/read-plan.ts';
import { readTopology } from '../../src/filesystems/read-topology.ts';
import { thisMachine } from '../../src/filesystems/system-view.ts';
import { RecordingSystem, writeEntries } from './recording.ts';

const [name] = process.argv.slice(2);
if (name === undefined) {
  process.stderr.write('usage: node test/filesystems/record.ts <path without ending>\n');
  process.exit(2);
}
const recording = new RecordingSystem(thisMachine);
const { mounts } = await readMounts(recording);
readTopology(recording, mounts, new MountTree(mounts));
await writeFile(`${name}.mountinfo`, await thisMachine.mountinfo());
await writeFile(`${name}.sysfs`, writeEntries(recording.entries));
