import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runCommand } from '../run-command.ts';

export const COMMAND_NAMES = ['install', 'enable', 'disable', 'update', 'uninstall'] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];

/** What the agent takes from HandlerManifest.json. */
export interface HandlerManifest {
  /** Relative to the extension's directory, with arguments. */
  readonly commands: Readonly<Record<CommandName, string>>;
  readonly reportHeartbeat: boolean;
  /** Whether install runs on an upgrade too. */
  readonly installsOnUpdate: boolean;
  readonly continueOnUpdateFailure: boolean;
}

/** Publisher.Type and version, from the name of the zip file. */
export interface HandlerName {
  readonly name: string;
  readonly version: string;
}

/** Throws if the file is not named `<Publisher.Type>-<version>.zip`. */
export function handlerName(packagePath: string): HandlerName {
  const [, name, version] = /^(.+\..+)-(\d+(?:\.\d+){1,3})\.zip$/.exec(basename(packagePath)) ?? [];
  if (name === undefined || version === undefined) {
    throw new Error(`${basename(packagePath)} is not <Publisher.Type>-<version>.zip`);
  }
  return { name, version };
}

const UNZIP = `
import json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
archive.extractall(sys.argv[2])
print(json.dumps({entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}))
`;

/**
 * Unpacks as the agent does: with python's zipfile, which drops modes; then every file gets u+x.
 * Resolves to the manifest. Throws if the agent would refuse the package, or if a command's
 * entry has no run bit in the zip.
 */
export async function unpack(packagePath: string, directory: string): Promise<HandlerManifest> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const listing = await runCommand('python3', ['-c', UNZIP, packagePath, directory]);
  const modes = JSON.parse(listing) as Readonly<Record<string, number>>;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      await chmod(join(entry.parentPath, entry.name), 0o744);
    }
  }
  const text = await readFile(join(directory, 'HandlerManifest.json'), 'utf8');
  const manifest = readManifest(text);
  for (const command of Object.values(manifest.commands)) {
    const [file = ''] = command.split(' ');
    if (((modes[file] ?? 0) & 0o100) === 0) {
      throw new Error(`the zip's entry for the command "${command}" has no run bit`);
    }
  }
  return manifest;
}

const FLAGS = ['reportHeartbeat', 'continueOnUpdateFailure', 'supportsMultipleExtensions'] as const;

/** Throws if it is not an array of one object with the fields and types the agent reads. */
export function readManifest(text: string): HandlerManifest {
  const parsed = JSON.parse(text) as unknown;
  const [only, ...others] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
  const manifest = isRecord(only) ? only.handlerManifest : undefined;
  if (!isRecord(only) || others.length > 0 || !isRecord(manifest)) {
    throw new Error('HandlerManifest.json is not an array of one object with a handlerManifest');
  }
  for (const flag of FLAGS) {
    if (manifest[flag] !== undefined && typeof manifest[flag] !== 'boolean') {
      throw new Error(`${flag} of HandlerManifest.json is no JSON boolean`);
    }
  }
  const command = (name: CommandName): string => {
    const value = manifest[`${name}Command`];
    if (typeof value !== 'string' || value === '') {
      throw new Error(`HandlerManifest.json has no ${name}Command`);
    }
    return value;
  };
  const updateMode = manifest.updateMode;
  return {
    commands: {
      install: command('install'),
      enable: command('enable'),
      disable: command('disable'),
      update: command('update'),
      uninstall: command('uninstall'),
    },
    reportHeartbeat: manifest.reportHeartbeat === true,
    installsOnUpdate:
      updateMode === undefined || String(updateMode).toLowerCase() === 'updatewithinstall',
    continueOnUpdateFailure: manifest.continueOnUpdateFailure === true,
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
