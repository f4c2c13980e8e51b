import { describeDegraded, REMEDY_FOR_DEGRADED } from '../filesystems/degraded-arrays.ts';
import { unfreezableWarnings } from '../filesystems/exclusions.ts';
import { describeMove, remedyForMove } from '../filesystems/moving-data.ts';
import type { Exclusion } from '../filesystems/plan-types.ts';
import { describeForbidden, REMEDY_FOR_POLICY } from '../filesystems/security-policy.ts';
import { isOlderThan } from '../system/kernel-version.ts';
import { checkBlob, checkSet } from './blob-checks.ts';
import { failed, ok, warning } from './check.ts';
import { checkDaemons } from './daemon-checks.ts';
import type { Check, Examination, MachineFacts } from './doctor-types.ts';
import {
  checkAgent,
  checkAuthorities,
  checkClock,
  checkHost,
  checkOpenssl,
  checkProxy,
} from './environment-checks.ts';
import { listedBriefly } from './folded.ts';
import { checkManaged, setupOf } from './managed-checks.ts';
import { checkPlaces } from './place-checks.ts';
import { checkQuiesce } from './quiesce-checks.ts';

/** Bit of CAP_SYS_ADMIN in a set of capabilities, capability.h. */
const SYS_ADMIN = 1n << 21n;
/** The oldest kernel that is tested: distributions ship it with glibc 2.28 (src/docs/install.md, Requirements). */
const OLDEST_KERNEL = [4, 18] as const;
const WHOLE_UID_MAP = /^\s*0\s+0\s+4294967295\s*$/;

/** Judges the facts in the order in which a run depends on them. Pure. */
export function examine(facts: MachineFacts, now: Date): Examination {
  // Without root the rest of the machine cannot be looked at, and so is not judged.
  const asRoot = (...found: readonly Check[]): readonly Check[] => (facts.isRoot ? found : []);
  const checks = [
    checkRoot(facts),
    checkKernel(facts),
    ...checkContainer(facts),
    ...asRoot(
      checkParts(facts),
      ...checkLeftovers(facts),
      ...checkFileSystems(facts),
      ...checkMaintenance(facts),
      ...checkPolicy(facts),
      ...checkDaemons(facts),
      checkGracePeriods(facts),
      checkLock(facts),
      ...checkPlaces(facts),
      ...checkConfiguration(facts),
      ...checkQuiesce(facts.quiesce),
    ),
    ...checkAgent(facts),
    checkClock(facts),
    checkOpenssl(facts),
    ...checkHost(facts),
    checkProxy(facts),
    checkAuthorities(facts),
    ...facts.blobs.map((blob) => checkBlob(blob, now, facts.nextRun)),
    ...asRoot(...checkSet(facts)),
    ...(facts.managed === undefined ? [] : checkManaged(facts.managed, now)),
  ];
  const has = (status: Check['status']): boolean => checks.some((it) => it.status === status);
  return {
    status: has('failed') ? 'failed' : has('warning') ? 'warning' : 'ok',
    checks,
    managed: facts.managed === undefined ? null : setupOf(facts.managed),
  };
}

function checkRoot({ isRoot, effectiveCapabilities, uidMap }: MachineFacts): Check {
  if (!isRoot) {
    return failed(
      'root',
      'not run as root, so only what every user may see was checked',
      'run flashfreeze with sudo',
    );
  }
  if (uidMap !== undefined && !WHOLE_UID_MAP.test(uidMap)) {
    return failed(
      'root',
      'runs as root of a user namespace, which may not freeze',
      'run flashfreeze as root of the machine itself',
    );
  }
  const mayFreeze = (BigInt(`0x${effectiveCapabilities ?? '0'}`) & SYS_ADMIN) !== 0n;
  return effectiveCapabilities === undefined || mayFreeze
    ? ok('root', 'runs as root with CAP_SYS_ADMIN')
    : failed(
        'root',
        'runs as root without CAP_SYS_ADMIN, which may not freeze',
        'give flashfreeze CAP_SYS_ADMIN',
      );
}

function checkKernel({ kernelRelease }: MachineFacts): Check {
  return isOlderThan(kernelRelease, ...OLDEST_KERNEL)
    ? warning(
        'kernel',
        `Linux ${kernelRelease} is older than ${OLDEST_KERNEL.join('.')}, the oldest tested kernel`,
        'try a snapshot with --timeout 5 before you rely on flashfreeze here',
      )
    : ok('kernel', `Linux ${kernelRelease}`);
}

function checkContainer({ container, sharesMountsWithInit }: MachineFacts): Check[] {
  if (container !== undefined) {
    return [
      warning(
        'container',
        `runs in a container (${container}): only the mounts that the container sees are frozen, and what pauses or kills the container stops the guardian, too`,
        'run flashfreeze on the machine itself',
      ),
    ];
  }
  if (sharesMountsWithInit === undefined) {
    return [];
  }
  return [
    sharesMountsWithInit
      ? ok('container', 'runs in no container and sees the mounts of the machine')
      : warning(
          'container',
          'runs in a separate mount namespace, which may lack mounts of the machine',
          'run flashfreeze with nsenter --target 1 --mount',
        ),
  ];
}

function checkParts({ brokenPart }: MachineFacts): Check {
  return brokenPart === undefined
    ? ok('parts', 'addon, guardian and request threads start')
    : failed(
        'parts',
        brokenPart,
        'install flashfreeze again; on hardened systems allow its executables, e.g. in fapolicyd',
      );
}

function checkLeftovers({ leftFrozen }: MachineFacts): Check[] {
  const mounted = leftFrozen
    .filter(({ isMounted }) => isMounted)
    .map(({ mountPoint }) => mountPoint);
  const unmounted = leftFrozen.filter(({ isMounted }) => !isMounted);
  if (leftFrozen.length === 0) {
    return [ok('leftovers', 'no dead run left a file system frozen')];
  }
  return [
    ...(mounted.length === 0
      ? []
      : [
          failed(
            'leftovers',
            `a dead run may have left these file systems frozen: ${mounted.join(', ')}`,
            `run flashfreeze thaw ${mounted.join(' ')}`,
          ),
        ]),
    ...unmounted.map(({ mountPoint, device }) =>
      failed(
        'leftovers',
        `a dead run may have left an unmounted file system frozen: device ${device} (formerly mounted on ${mountPoint})`,
        'mount it again and run flashfreeze thaw --all before anything writes to it, or restart the machine',
      ),
    ),
  ];
}

function checkFileSystems({ plan }: MachineFacts): Check[] {
  if ('error' in plan) {
    return [
      failed(
        'file-systems',
        plan.error,
        'mount the file systems to freeze, and check MountsToSkip in /etc/azure/vmbackup.conf',
      ),
    ];
  }
  const names = plan.fileSystems.map(({ mountPoint, type }) => `${mountPoint} (${type})`);
  const unfreezable = unfreezableWarnings(plan.excluded);
  const moves = plan.moves ?? [];
  const degraded = (plan.degraded ?? []).map(describeDegraded);
  const told = [...unfreezable, ...moves.map(describeMove), ...degraded];
  const ofFirmware = unfreezableWarnings(plan.excluded.filter(isOfFirmware));
  const count = `${names.length} can be frozen: `;
  return [
    ok('file-systems', count + names.join(', '), count + listedBriefly(names)),
    ...unfreezable.map((text) =>
      ofFirmware.includes(text)
        ? ok(
            'unfreezable',
            `${text}; the firmware starts the machine from it, and it changes only with updates`,
          )
        : warning(
            'unfreezable',
            text,
            'move what is written to it to a file system that can be frozen, or stop its writers during a run',
          ),
    ),
    ...moves.map((it) => warning('moving-data', describeMove(it), remedyForMove(it))),
    ...degraded.map((text) => warning('degraded-array', text, REMEDY_FOR_DEGRADED)),
    ...(plan.warnings ?? [])
      .filter((text) => !told.includes(text))
      .map((text) =>
        warning(
          'file-system-relations',
          text,
          'run flashfreeze plan; use --skip to leave one of these file systems out',
        ),
      ),
  ];
}

/** The EFI system partition, which every VM of generation 2 has. */
function isOfFirmware({ type, mountPoint }: Exclusion): boolean {
  return type === 'vfat' && /^(?:\/boot|\/efi|\/boot\/efi)$/.test(mountPoint);
}

function checkMaintenance({ maintenance }: MachineFacts): Check[] {
  return maintenance.map((it) => {
    const judge = it.course === 'refuse' ? failed : warning;
    const remedy =
      it.course === 'pause' ? 'nothing to do: a run pauses it and resumes it' : it.remedy;
    const name = it.code === 'FF_RESIZE_RUNNING' ? 'resize' : 'btrfs-maintenance';
    return judge(name, it.sentence, remedy);
  });
}

function checkPolicy({ forbidden }: MachineFacts): Check[] {
  return forbidden.length === 0
    ? []
    : [failed('security-policy', describeForbidden(forbidden), REMEDY_FOR_POLICY)];
}

function checkGracePeriods({ canExpedite }: MachineFacts): Check {
  return canExpedite
    ? ok('grace-periods', '/sys/kernel/rcu_expedited is writable, so freezes are quick')
    : warning(
        'grace-periods',
        '/sys/kernel/rcu_expedited is not writable: each wave takes 25 to 45 ms longer',
        'boot without rcupdate.rcu_normal=1, and mount /sys writable for root',
      );
}

function checkLock({ lock }: MachineFacts): Check {
  switch (lock.kind) {
    case 'free':
      return ok('lock', 'no other backup tool holds the freeze lock');
    case 'held':
      return warning('lock', lock.message, 'wait until the other backup tool has finished');
    case 'unusable':
      return failed('lock', lock.message, 'correct the owner and mode of the path');
  }
}

function checkConfiguration({ configurationProblems }: MachineFacts): Check[] {
  const remedy = 'correct the line that is named';
  return configurationProblems.length === 0
    ? [ok('configuration', 'every configuration file is valid or missing')]
    : configurationProblems.map(({ problem, isGrave }) =>
        isGrave
          ? failed('configuration', problem, remedy)
          : warning('configuration', problem, remedy),
      );
}
