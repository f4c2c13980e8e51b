/**
 * Every error code of flashfreeze with the exit code of a command that fails with it:
 * 2 = invalid input or unsupported machine, nothing was frozen; 1 = the run failed.
 * Codes are stable: callers and operators match on them, never on text.
 */
export const ERROR_EXIT_CODES = {
  FF_USAGE: 2,
  FF_NOT_ROOT: 2,
  FF_URL_INVALID: 2,
  FF_URL_INSECURE: 2,
  FF_MOUNT_NOT_FOUND: 2,
  FF_MOUNT_NOT_FREEZABLE: 2,
  FF_MOUNT_OPEN: 2,
  FF_NOTHING_TO_FREEZE: 2,
  FF_BTRFS_BUSY: 2,
  FF_RESIZE_RUNNING: 2,
  FF_DEVICE_NOT_FOUND: 2,
  FF_CONFIG_INVALID: 2,
  FF_ENVIRONMENT_INVALID: 2,
  FF_SETTINGS_MISSING: 2,
  FF_SETTINGS_INVALID: 2,
  FF_CERTIFICATE_MISSING: 2,
  FF_DECRYPTION_FAILED: 2,
  FF_STARTED_TOO_LATE: 2,
  FF_BLOB_REFUSED: 2,
  FF_BLOB_NOT_FOUND: 2,
  FF_BLOB_UNREACHABLE: 2,
  FF_BLOB_FOREIGN: 2,
  FF_BLOB_MISMATCH: 2,
  FF_SET_INCOMPLETE: 2,
  FF_CONTAINER_REFUSED: 2,
  FF_RESTORE_POINT_NOT_FOUND: 2,
  FF_RESTORE_POINT_UNUSABLE: 2,
  FF_RESTORE_TARGET_EXISTS: 2,
  FF_BLOBS_MISSING: 2,
  FF_HOST_UNREACHABLE: 2,
  FF_METADATA_UNREACHABLE: 2,
  FF_METADATA_INVALID: 2,
  FF_IDENTITY_UNUSABLE: 2,
  FF_DISK_REFUSED: 2,
  FF_DISK_NOT_FOUND: 2,
  FF_DISK_UNREACHABLE: 2,
  FF_DISK_UNSUPPORTED: 2,
  FF_ADDON_MISSING: 2,
  FF_GUARDIAN_MISSING: 2,
  FF_LIMIT_REACHED: 2,
  FF_COMMAND_NOT_FOUND: 2,
  FF_COMMAND_NOT_EXECUTABLE: 2,
  FF_RUN_FILE_INVALID: 2,
  FF_RUN_FILE_VERSION: 2,
  FF_LAB_UNAVAILABLE: 2,
  FF_INTERRUPTED: 1,
  FF_LOCK_TIMEOUT: 1,
  FF_LOCK_UNUSABLE: 2,
  FF_EXTENSION_BUSY: 1,
  FF_FREEZE_FAILED: 1,
  FF_FLUSH_TIMEOUT: 1,
  FF_GUARDIAN_LOST: 1,
  FF_SNAPSHOT_FAILED: 1,
  FF_COMMAND_LOST: 1,
  FF_QUIESCE_FAILED: 1,
  FF_STATUS_UNWRITABLE: 1,
  FF_OUTPUT_UNWRITABLE: 1,
  FF_THAW_FAILED: 1,
  FF_MANIFEST_UNWRITABLE: 1,
  FF_PACKAGE_FAILED: 1,
  FF_SETUP_FAILED: 1,
  FF_SETUP_BUSY: 1,
  FF_INTERNAL: 1,
} as const;

export type ErrorCode = keyof typeof ERROR_EXIT_CODES;

/** The failed system call behind an error. */
export interface SystemCallFailure {
  /** Symbolic name, e.g. `EBUSY`. */
  readonly errno: string;
  readonly syscall: string;
  readonly path?: string;
}

/**
 * The only error class of flashfreeze. The message names the input, the expected input and the remedy. It must not
 * contain a secret, because it is printed unchanged.
 */
export class FlashfreezeError extends Error {
  override readonly name = 'FlashfreezeError';
  readonly code: ErrorCode;
  readonly systemCall: SystemCallFailure | undefined;

  constructor(code: ErrorCode, message: string, options: { systemCall?: SystemCallFailure } = {}) {
    super(message);
    this.code = code;
    this.systemCall = options.systemCall;
  }

  get exitCode(): number {
    return ERROR_EXIT_CODES[this.code];
  }
}
