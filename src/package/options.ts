import { FlashfreezeError } from '../errors.ts';

export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** `Publisher.Type`; the publisher may contain dots. */
export interface HandlerIdentity {
  readonly publisher: string;
  readonly type: string;
  /** Four numbers. */
  readonly version: string;
}

export interface PackageOptions extends HandlerIdentity {
  readonly architecture: Architecture;
  /** Folder for the zip and the manifest beside it. */
  readonly out: string;
}

export const DEFAULT_NAME = 'Flashfreeze.FlashfreezeLinux';

// The agent reads the version in `<name>-<version>` after the last hyphen.
const NAME = /^((?:[A-Za-z0-9_]+\.)*[A-Za-z0-9_]+)\.([A-Za-z0-9_]+)$/;
const VERSION = /^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){3}$/;

/** Throws `FF_USAGE`. */
export function parseName(name: string): Pick<HandlerIdentity, 'publisher' | 'type'> {
  const [, publisher, type] = NAME.exec(name) ?? [];
  if (publisher === undefined || type === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--name ${name}: expected Publisher.Type of letters, digits and underscores, e.g. ${DEFAULT_NAME}`,
    );
  }
  return { publisher, type };
}

/** Throws `FF_USAGE`. */
export function parseVersion(version: string): string {
  if (!VERSION.test(version)) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--version ${version}: expected four numbers without leading zeros, e.g. 1.0.0.0`,
    );
  }
  return version;
}

const PROGRAM_VERSION = /^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){2,3}$/;

/** The version of a package that is no extension. Throws `FF_USAGE`. */
export function parseProgramVersion(version: string): string {
  if (!PROGRAM_VERSION.test(version)) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--version ${version}: expected three or four numbers without leading zeros, e.g. 1.0.0`,
    );
  }
  return version;
}

/** Throws `FF_USAGE`. */
export function parseArchitecture(name: string): Architecture {
  const found = ARCHITECTURES.find((architecture) => architecture === name);
  if (found === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--arch ${name}: expected ${ARCHITECTURES.join(' or ')}`,
    );
  }
  return found;
}

/** `Publisher.Type`, the name of the extension for the agent and the service. */
export function handlerName({ publisher, type }: HandlerIdentity): string {
  return `${publisher}.${type}`;
}
