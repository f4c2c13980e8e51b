import { unfreezableWarnings } from '../filesystems/exclusions.ts';
import { checkBlob, checkSet } from './blob-checks.ts';
import { failed, ok, warning } from './check.ts';
import { checkDaemons } from './daemon-checks.ts';
import type { Check, DoctorReport, MachineFacts } from './doctor-types.ts';

/** Bit of CAP_SYS_ADMIN in a set of capabilities, capability.h. */
const SYS_ADMIN = 1n << 21n;
/** The oldest that is tested: glibc 2.28 came to distributions with it (src/docs/install.md, Requirements). */
const OLDEST_KERNEL = [4, 18] as const;
const WHOLE_UID_MAP = /^\s*0\s+0\s+4294967295\s*$/;

/** Judges what was found, in the order in which a run would come upon it. Pure. */
export function examine(facts: MachineFacts, now: Date): DoctorReport {
  const checks = [
    checkRoot(facts),
    checkKernel(facts),
    checkContainer(facts),
    checkParts(facts),
    ...checkLeftovers(facts),
    ...checkFileSystems(facts),
    ...checkMaintenance(facts),
    ...checkDaemons(facts),
    checkGracePeriods(facts),
    checkLock(facts),
    checkLogFolder(facts),
    ...checkConfiguration(facts),
    checkClock(facts),
    checkOpenssl(facts),
    checkHost(facts),
    checkProxy(facts),
    ...facts.blobs.map((blob) => checkBlob(blob, now)),
    ...checkSet(facts),
  ];
  const has = (status: Check['status']): boolean => checks.some((it) => it.status === status);
  return { status: has('failed') ? 'failed' : has('warning') ? 'warning' : 'ok', checks };
}

function checkRoot({ isRoot, effectiveCapabilities, uidMap }: MachineFacts): Check {
  if (!isRoot) {
    return failed('root', 'not run as root', 'run it with sudo');
  }
  if (uidMap !== undefined && !WHOLE_UID_MAP.test(uidMap)) {
    return failed(
      'root',
      'root of a user namespace, which may not freeze',
      'run it as root of the machine itself',
    );
  }
  const mayFreeze = (BigInt(`0x${effectiveCapabilities ?? '0'}`) & SYS_ADMIN) !== 0n;
  return effectiveCapabilities === undefined || mayFreeze
    ? ok('root', 'root, with CAP_SYS_ADMIN')
    : failed('root', 'root without CAP_SYS_ADMIN, which may not freeze', 'give it CAP_SYS_ADMIN');
}

function checkKernel({ kernelRelease }: MachineFacts): Check {
  const [major = 0, minor = 0] = kernelRelease.split('.').map((part) => Number.parseInt(part, 10));
  const [oldestMajor, oldestMinor] = OLDEST_KERNEL;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
    ? ok('kernel', `Linux ${kernelRelease}`)
    : warning(
        'kernel',
        `Linux ${kernelRelease} is older than ${OLDEST_KERNEL.join('.')}`,
        'try a snapshot with --timeout 5 before relying on it',
      );
}

function checkContainer({ container, sharesMountsWithInit }: MachineFacts): Check {
  if (container !== undefined) {
    return warning(
      'container',
      `in a container (${container}): only the mounts seen here are frozen`,
      'run it on the machine itself',
    );
  }
  return sharesMountsWithInit
    ? ok('container', 'no container: sees the mounts of the machine')
    : warning(
        'container',
        'in a mount namespace of its own: mounts of the machine may be missing here',
        'run it with nsenter --target 1 --mount',
      );
}

function checkParts({ brokenPart }: MachineFacts): Check {
  return brokenPart === undefined
    ? ok('parts', 'addon, guardian and request threads start')
    : failed(
        'parts',
        brokenPart,
        'install it again (npm ci in a checkout); on hardened systems allow its executables, e.g. in fapolicyd',
      );
}

function checkLeftovers({ leftFrozen }: MachineFacts): Check[] {
  const mounted = leftFrozen
    .filter(({ isMounted }) => isMounted)
    .map(({ mountPoint }) => mountPoint);
  const unmounted = leftFrozen.filter(({ isMounted }) => !isMounted);
  if (leftFrozen.length === 0) {
    return [ok('leftovers', 'no run has died and left something frozen')];
  }
  return [
    ...(mounted.length === 0
      ? []
      : [
          failed(
            'leftovers',
            `a run that died may have left frozen: ${mounted.join(', ')}`,
            `run flashfreeze thaw ${mounted.join(' ')}`,
          ),
        ]),
    ...unmounted.map(({ mountPoint, device }) =>
      failed(
        'leftovers',
        `a run that died may have left frozen what is not mounted any more: device ${device}, once on ${mountPoint}`,
        'mount it again and run flashfreeze thaw --all before anything writes to it, or restart the machine',
      ),
    ),
  ];
}

function checkFileSystems({ plan }: MachineFacts): Check[] {
  if ('error' in plan) {
    return [
      failed('file-systems', plan.error, 'mount what is to be frozen, or look at MountsToSkip'),
    ];
  }
  const names = plan.fileSystems.map(({ mountPoint, type }) => `${mountPoint} (${type})`);
  const unfreezable = unfreezableWarnings(plan.excluded);
  return [
    ok('file-systems', `${names.length} can be frozen: ${names.join(', ')}`),
    ...unfreezable.map((text) =>
      warning('unfreezable', text, 'nothing, if little is written to it (as to /boot/efi)'),
    ),
    ...(plan.warnings ?? [])
      .filter((text) => !unfreezable.includes(text))
      .map((text) =>
        warning('file-system-relations', text, 'see flashfreeze plan; --skip leaves one out'),
      ),
  ];
}

function checkMaintenance({ maintenance }: MachineFacts): Check[] {
  return maintenance.map((it) => {
    const judge = it.course === 'refuse' ? failed : warning;
    const remedy =
      it.course === 'pause' ? 'nothing: a run pauses it, and lets it go on' : it.remedy;
    return judge('btrfs-maintenance', it.sentence, remedy);
  });
}

function checkGracePeriods({ canExpedite }: MachineFacts): Check {
  return canExpedite
    ? ok('grace-periods', '/sys/kernel/rcu_expedited is writable: freezes are quick')
    : warning(
        'grace-periods',
        '/sys/kernel/rcu_expedited is not writable: each wave takes 25 to 45 ms longer',
        'boot without rcupdate.rcu_normal=1, and let root write to /sys',
      );
}

function checkLock({ lock }: MachineFacts): Check {
  switch (lock.kind) {
    case 'free':
      return ok('lock', 'nobody else is freezing');
    case 'held':
      return warning('lock', lock.message, 'wait until the other backup tool is done');
    case 'unusable':
      return failed('lock', lock.message, 'correct owner and mode of the path');
  }
}

function checkLogFolder({ logFolder: { path, isFrozen, problem } }: MachineFacts): Check {
  if (problem !== undefined) {
    return warning('log-folder', `${path}: ${problem}`, 'make it writable; runs leave no report');
  }
  return ok(
    'log-folder',
    isFrozen
      ? `${path} lies on what is frozen: what is to be logged is held in memory meanwhile`
      : `${path} lies on nothing that is frozen`,
  );
}

function checkConfiguration({ configurationProblems }: MachineFacts): Check[] {
  const remedy = 'correct the file; src/docs/configuration.md lists every key';
  return configurationProblems.length === 0
    ? [ok('configuration', 'configuration files are right, or not there')]
    : configurationProblems.map(({ problem, isGrave }) =>
        isGrave
          ? failed('configuration', problem, remedy)
          : warning('configuration', problem, remedy),
      );
}

function checkClock({ clock }: MachineFacts): Check {
  switch (clock) {
    case 'synchronized':
      return ok('clock', 'synchronized');
    case 'not-synchronized':
      return warning(
        'clock',
        'not synchronized: --at and the time of a SAS may be off',
        'enable chrony or systemd-timesyncd',
      );
    case 'unknown':
      return warning(
        'clock',
        'whether it is synchronized is not known',
        'see that chrony, ntpd or systemd-timesyncd runs',
      );
  }
}

function checkOpenssl({ openssl }: MachineFacts): Check {
  return openssl === undefined
    ? warning(
        'openssl',
        'openssl(1) does not run: the extension cannot decrypt its settings',
        'install openssl; not needed for the command line',
      )
    : ok('openssl', openssl);
}

function checkHost({ hostProblem }: MachineFacts): Check {
  return hostProblem === undefined
    ? ok('host', 'Azure’s host service accepts connections')
    : warning(
        'host',
        `Azure’s host service cannot be reached (${hostProblem})`,
        'on an Azure VM allow 168.63.129.16; elsewhere nothing',
      );
}

function checkProxy({ proxies }: MachineFacts): Check {
  return proxies.length === 0
    ? ok('proxy', 'none is set')
    : warning(
        'proxy',
        `a proxy is set (${proxies.join(', ')}): snapshot requests go through it, and its delay is part of the window`,
        'where the machine reaches the storage accounts directly, name them in NO_PROXY',
      );
}
