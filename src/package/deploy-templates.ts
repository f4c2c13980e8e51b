import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import type { HandlerIdentity } from './options.ts';
import { REPOSITORY } from './repository.ts';

const TEMPLATES = join(REPOSITORY, 'src/extension/deploy');

export interface DeployTemplate {
  readonly name: string;
  readonly text: string;
}

/**
 * The templates that install the extension, with publisher, type and version of a package as their defaults.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED
 */
export async function deployTemplates(handler: HandlerIdentity): Promise<DeployTemplate[]> {
  const names = (await readdir(TEMPLATES)).sort();
  return await Promise.all(
    names.map(async (name) => ({
      name,
      text: withDefaults(name, await readFile(join(TEMPLATES, name), 'utf8'), handler),
    })),
  );
}

/** A template in Bicep or ARM JSON with other defaults. Names and version have no character that either escapes. Pure. */
export function withDefaults(
  name: string,
  text: string,
  { publisher, type, version }: HandlerIdentity,
): string {
  const defaults = {
    publisher,
    extensionType: type,
    // The agent takes the newest version of this line.
    typeHandlerVersion: version.split('.').slice(0, 2).join('.'),
  };
  return Object.entries(defaults).reduce((before, [parameter, value]) => {
    const pattern = name.endsWith('.bicep')
      ? new RegExp(`^(param ${parameter} string = ')[^']*(')$`, 'm')
      : new RegExp(`("${parameter}": \\{\\s*"type": "string",\\s*"defaultValue": ")[^"]*(")`);
    if (!pattern.test(before)) {
      throw new FlashfreezeError(
        'FF_PACKAGE_FAILED',
        `the template ${name} has no default of ${parameter} that could be replaced; expected one`,
      );
    }
    return before.replace(pattern, `$1${value}$2`);
  }, text);
}
