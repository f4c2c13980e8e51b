import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { thirdPartyNotices } from './licenses.ts';
import { SHIM } from './manifest.ts';
import { nativePrograms } from './native-programs.ts';
import { nodeRuntime } from './node-runtime.ts';
import type { Architecture } from './options.ts';
import { type PayloadFile, textFile } from './payload-file.ts';
import { programFiles } from './programs.ts';
import { REPOSITORY } from './repository.ts';

/** What a package says of itself in its package.json. */
export interface PayloadIdentity {
  readonly name: string;
  readonly version: string;
}

/** Alerts for Prometheus. */
const RULES = 'flashfreeze.rules.yml';

/**
 * The files that every kind of package has: the launcher, the runtime, the program, the alerts and the licences.
 *
 * @param programVersion what `flashfreeze --version` prints; default: the version of the checkout
 * @throws FlashfreezeError FF_PACKAGE_FAILED
 */
export async function programPayload(
  architecture: Architecture,
  identity: PayloadIdentity,
  programVersion?: string,
): Promise<PayloadFile[]> {
  const runtime = await nodeRuntime(architecture);
  const natives = await nativePrograms(architecture, runtime);
  const [bundled, programs] = await Promise.all([
    bundle(programVersion),
    programFiles(architecture, runtime, natives),
  ]);
  const shim = await readFile(join(import.meta.dirname, 'flashfreeze.sh'), 'utf8');
  const license = await readFile(join(REPOSITORY, 'LICENSE'), 'utf8');
  return [
    textFile('package.json', payloadPackageJson(identity)),
    textFile(SHIM, shim, true),
    textFile(RULES, await readFile(join(import.meta.dirname, RULES), 'utf8')),
    textFile('LICENSE', license),
    textFile('THIRD-PARTY-NOTICES.txt', await thirdPartyNotices(bundled.packages, runtime)),
    ...bundled.files,
    ...programs,
  ];
}

/** package.json of the payload: declares the bundle as ECMAScript modules. */
export function payloadPackageJson({ name, version }: PayloadIdentity): string {
  const content = { name, version, private: true, license: 'Apache-2.0', type: 'module' };
  return `${JSON.stringify(content, null, 2)}\n`;
}
