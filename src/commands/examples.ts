import type { Command } from 'commander';

export interface Example {
  readonly line: string;
  readonly purpose: string;
}

const example = (line: string, purpose: string): Example => ({
  line: `flashfreeze ${line}`,
  purpose,
});

/** Examples of every command that people call, by its path. */
const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  '': [
    example('doctor', 'check this machine first'),
    example('plan', 'show what would be frozen'),
    example('freeze -- true', 'rehearse a freeze'),
    example('snapshot --blobs-from blobs.txt', 'take the snapshots'),
  ],
  snapshot: [
    example('snapshot --blobs-from blobs.txt', 'one blob with its SAS per line of the file'),
    example('snapshot --managed --tag policy=daily', 'every managed disk of this Azure VM'),
    example('snapshot --conf /etc/flashfreeze/snapshot.conf', 'as the timer of setup does'),
    example(
      "snapshot --blobs-from blobs.txt --skip '/scratch/*' --json",
      'leave mount points out, and print JSON',
    ),
  ],
  freeze: [
    example('freeze -- true', 'rehearse: freeze, do nothing, thaw'),
    example(
      'freeze --timeout 20 -- aws ec2 create-snapshots --instance-specification InstanceId=i-0123456789abcdef0',
      'snapshots that another tool takes',
    ),
    example(
      'freeze --timeout 60 -- az snapshot create --resource-group rg --name data0-full --source data0',
      'by az, with HOME and AZURE_CONFIG_DIR on a tmpfs; slower than snapshot --managed',
    ),
    example(
      'freeze --mount /data -- cp --reflink=always /images/data.img /images/copy.img',
      'freeze one file system only',
    ),
  ],
  plan: [
    example('plan', 'everything that a snapshot would freeze'),
    example('plan --blobs-from blobs.txt --skip type:btrfs', 'with blobs, without btrfs'),
    example('plan --managed', 'with the managed disks of this Azure VM'),
  ],
  thaw: [
    example('thaw /data', 'one file system'),
    example('thaw --all', 'every mounted file system that can be frozen'),
  ],
  report: [
    example('report', 'the latest run, as text'),
    example('report -o run.html', 'a page with a picture'),
    example('report --trace run-trace.json', 'for https://ui.perfetto.dev'),
    example('report --list --json', 'the kept runs, for programs'),
  ],
  status: [
    example('status', 'the last runs, the next one, and what is wrong'),
    example('status --max-age 2', 'for a monitoring system, with hourly runs'),
    example('status --json', 'for programs'),
  ],
  doctor: [
    example('doctor', 'this machine'),
    example('doctor --blobs-from blobs.txt', 'the blobs and their SAS as well'),
    example(
      'doctor --blobs-from blobs.txt --at 2026-12-01T02:00:00Z',
      'whether each SAS outlasts that snapshot',
    ),
    example('doctor --managed', 'the managed disks and the rights of this Azure VM as well'),
  ],
  snapshots: [
    example('snapshots list --container-from container.txt', 'what is stored'),
    example('snapshots verify --container-from container.txt', 'whether the latest run is stored'),
  ],
  'snapshots list': [
    example(
      'snapshots list --container-from container.txt',
      'the restore points, the newest first',
    ),
    example(
      'snapshots list --container-from container.txt --disks --blob os.vhd',
      'the single snapshots of one blob',
    ),
    example('snapshots list --managed --host db1 --json', 'of managed disks of one machine'),
  ],
  'snapshots verify': [
    example('snapshots verify --container-from container.txt', 'the snapshots of the latest run'),
    example(
      'snapshots verify --container-from container.txt --deep 6f0e3a52',
      'whether the disks of a restore point would mount',
    ),
    example('snapshots verify --managed --deep 6f0e3a52', 'of managed disks'),
  ],
  'snapshots prune': [
    example(
      'snapshots prune --container-from container.txt --keep-daily 7 --keep-weekly 5',
      'dry run',
    ),
    example(
      'snapshots prune --container-from container.txt --keep-last 7 --older-than 30d --delete',
      'delete what falls under both rules',
    ),
    example(
      'snapshots prune --managed --host db1 --keep-within 14d --incomplete --delete',
      'of managed disks, with what nothing can be restored from',
    ),
  ],
  setup: [
    example('setup', 'install the unpacked archive that this program lies in'),
    example(
      'setup --timer daily',
      'and take a snapshot every day with /etc/flashfreeze/snapshot.conf',
    ),
    example(
      "setup --timer 'Mon..Fri 02:30'",
      'at the times that OnCalendar= of systemd.time(7) has',
    ),
    example('setup --timer off', 'take no more snapshots by a timer'),
    example('setup --remove', 'remove what setup has made'),
  ],
  restore: [
    example('restore 80ea8df8 --container-from container.txt', 'dry run: which new blobs'),
    example(
      'restore 80ea8df8 --container-from container.txt --prefix drill/db1- --create',
      'copy the snapshots to new blobs',
    ),
    example('restore 80ea8df8 --managed', 'dry run: which new managed disks'),
    example(
      'restore 80ea8df8 --managed --prefix drill-db1- --create',
      'make managed disks of the snapshots',
    ),
  ],
  schema: [example('schema snapshot', 'the JSON schema of snapshot --json')],
  completion: [
    example('completion bash > /etc/bash_completion.d/flashfreeze', 'for every user of bash'),
  ],
  manual: [example('manual | man -l -', 'read it')],
  lab: [
    example('lab --disks 8', 'a lab of 8 disks, and a snapshot of them'),
    example('lab --report run.html', 'with a picture of the run'),
  ],
};

/** The examples of a command; empty for commands that only agents call. */
export function examplesOf(path: readonly string[]): readonly Example[] {
  return EXAMPLES[path.join(' ')] ?? [];
}

/** Adds the examples to the help of a command and of every command in it. */
export function addExamples(command: Command, path: readonly string[] = []): void {
  const examples = examplesOf(path);
  if (examples.length > 0) {
    const lines = examples.map(({ line, purpose }) => `  ${line}\n      ${purpose}`);
    command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
  }
  for (const inner of command.commands) {
    addExamples(inner, [...path, inner.name()]);
  }
}
