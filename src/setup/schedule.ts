import { createHash } from 'node:crypto';
import { SNAPSHOT_CONF_PATH } from '../config/snapshot-conf.ts';

export const SERVICE_NAME = 'flashfreeze-snapshot.service';
export const TIMER_NAME = 'flashfreeze-snapshot.timer';

/** The schedules that cron knows too. */
const NAMED = { hourly: 300, daily: 3_600, weekly: 3_600 } as const;
type Named = keyof typeof NAMED;
export const NAMED_SCHEDULES = Object.keys(NAMED) as Named[];

/** An expression of the user's is kept to; only machines with one image must not start in the same second. */
const OWN_DELAY_S = 60;

function isNamed(schedule: string): schedule is Named {
  return Object.hasOwn(NAMED, schedule);
}

/** The longest time by which a machine's runs are later than its schedule, so that not all machines run at once. */
export function delaySeconds(schedule: string): number {
  return isNamed(schedule) ? NAMED[schedule] : OWN_DELAY_S;
}

/**
 * The unit that takes one snapshot (systemd.service(5)).
 *
 * @param command the installed link
 */
export function renderService(command: string): string {
  return `# Made by flashfreeze setup --timer; flashfreeze setup --timer off removes it.
[Unit]
Description=Snapshot of all disks of this machine at one instant (flashfreeze)
Documentation=man:flashfreeze(8)
# A run that was missed while the machine was off starts at boot, and its requests need the network.
Wants=network-online.target
After=network-online.target

[Service]
# The unit is active until the run has ended, so that the timer never starts a second one beside it.
Type=oneshot
# With SELinux, systemd may execute what lies in /usr/bin; what that executes may lie anywhere.
ExecStart=/usr/bin/env ${specifiersEscaped(command)} snapshot --conf ${SNAPSHOT_CONF_PATH}
# A run takes seconds, pruning minutes. If it hangs, a stop ends it in order, and the next one can start.
TimeoutStartSec=2h
# A stop sends SIGTERM to the run alone: it thaws, releases the applications and says what happened. The guardian has
# to outlive a run that is killed while something is frozen, and what a post-script has started has to go on.
KillMode=process
TimeoutStopSec=90
# A group of its own, so that limits of system.slice and the load in it do not lengthen the time that writers wait.
Slice=flashfreeze.slice
# The run is the last that the kernel ends if memory is short; and if it ends a script, the run says so itself.
OOMScoreAdjust=-900
OOMPolicy=continue
# A thread or more for each file system, here and in the guardian: 208 for 64 of them.
TasksMax=infinity
# Nothing that gives the run a view of its own of what is mounted (ProtectSystem, PrivateTmp, PrivateDevices and all
# others that make a mount namespace): it has to see, open and freeze the file systems of the machine. No
# ProtectKernelTunables and ProtectControlGroups: it writes /sys/kernel/rcu_expedited, and the guardian leaves
# this group. No ProtectClock and DeviceAllow: it reads disks. No MemoryDenyWriteExecute: Node.js compiles. No
# NoNewPrivileges: scripts may use sudo. This is what a run does not need:
CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_BOOT CAP_SYS_TIME CAP_SYS_RAWIO CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_WAKE_ALARM
LockPersonality=yes
RestrictRealtime=yes
`;
}

/** The timer of the unit (systemd.timer(5)). */
export function renderTimer(schedule: string): string {
  return `# Made by flashfreeze setup --timer; flashfreeze setup --timer off removes it.
[Unit]
Description=Schedule of ${SERVICE_NAME}
Documentation=man:flashfreeze(8)

[Timer]
OnCalendar=${schedule}
# Machines with one schedule must not send their requests all at once. Each has its own delay, and keeps it, so that
# the time between two runs stays equal.
RandomizedDelaySec=${delaySeconds(schedule)}
FixedRandomDelay=true
AccuracySec=1s
# After a time in which the machine was off, one run makes up for all that were missed.
Persistent=true

[Install]
WantedBy=timers.target
`;
}

/**
 * The file in /etc/cron.d for a machine without systemd (crontab(5)); undefined if cron cannot keep the schedule.
 *
 * @param minute 0 to 59: this machine's
 */
export function renderCron(schedule: string, command: string, minute: number): string | undefined {
  if (!isNamed(schedule)) {
    return undefined;
  }
  const time = { hourly: '* * * *', daily: '0 * * *', weekly: '0 * * 1' }[schedule];
  return `# Made by flashfreeze setup --timer; flashfreeze setup --timer off removes it.
# A run is left out if the one before still goes on. A run that was missed while the machine was off is not made up for.
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
${minute} ${time} root flock -n -o /run/flashfreeze-snapshot.lock ${command} snapshot --quiet --conf ${SNAPSHOT_CONF_PATH} >/dev/null
`;
}

/** The minute of a machine: spread evenly, and always the same. */
export function minuteOf(machineId: string): number {
  return createHash('sha256').update(machineId).digest().readUInt32BE() % 60;
}

function specifiersEscaped(text: string): string {
  return text.replaceAll('%', '%%');
}
