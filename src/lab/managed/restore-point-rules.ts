import type { Cloud, CloudDisk } from './cloud.ts';
import { ManagedError } from './reply.ts';
import type { RestorePointBody } from './snapshot-body.ts';
import { copiesInBackground } from './snapshot-store.ts';

export function excludedIds({ properties }: RestorePointBody): ReadonlySet<string> {
  return new Set(properties?.excludeDisks?.map(({ id }) => id.toLowerCase()));
}

/** Throws what the platform refuses of a body that has the right fields. Codes of 409 are not documented. */
export function checkPoint(body: RestorePointBody, cloud: Cloud): void {
  const mode = body.properties?.consistencyMode;
  if (mode !== undefined && mode !== 'CrashConsistent') {
    throw new ManagedError(400, 'InvalidParameter', {
      message: `The consistencyMode '${mode}' is invalid: only CrashConsistent can be given.`,
    });
  }
  const excluded = excludedIds(body);
  for (const id of excluded) {
    if (cloud.diskById(id) === undefined) {
      throw new ManagedError(400, 'InvalidParameter', {
        message: `The excluded disk '${id}' is not a disk of the VM.`,
      });
    }
  }
  const notAllowed = (message: string): never => {
    throw new ManagedError(409, 'OperationNotAllowed', { message });
  };
  if (cloud.vm.securityType === 'ConfidentialVM' || cloud.vm.scaleSetId !== '') {
    notAllowed('Restore points of confidential VMs and of scale sets are not supported.');
  }
  const unsupported = cloud.disks.find(
    (disk) =>
      !excluded.has(disk.id.toLowerCase()) && isUnsupported(disk, mode === 'CrashConsistent'),
  );
  if (unsupported !== undefined) {
    notAllowed(`The disk '${unsupported.spec.name}' does not support restore points: exclude it.`);
  }
}

function isUnsupported(disk: CloudDisk, inCrashMode: boolean): boolean {
  const { ephemeral, vhdUri, maxShares = 1, writeAccelerator } = disk.spec;
  return (
    ephemeral === true ||
    vhdUri !== undefined ||
    maxShares > 1 ||
    (inCrashMode && (copiesInBackground(disk) || writeAccelerator === true))
  );
}

export function notFound(id: string): ManagedError {
  return new ManagedError(404, 'ResourceNotFound', {
    message: `The Resource '${id}' was not found.`,
  });
}
