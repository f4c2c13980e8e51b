import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MAIN } from '../commands/command-line.ts';

/** A command that waits for what does not end waits for ever. */
const COMMAND_LIMIT_MS = 120_000;

/** Makes the extension's directory, as the agent would below `parent`. @returns its path */
export async function install(parent: string): Promise<string> {
  const directory = join(parent, 'Contoso.SnapshotLinux-1.0.0.0');
  const folders = { logFolder: 'log', configFolder: 'config', statusFolder: 'status' };
  for (const folder of Object.values(folders)) {
    await mkdir(join(directory, folder), { recursive: true });
  }
  await writeFile(
    join(directory, 'HandlerEnvironment.json'),
    JSON.stringify([{ version: 1.0, handlerEnvironment: folders }]),
  );
  return directory;
}

export interface CommandWish {
  readonly sequenceNumber?: number;
  /** Helps a command that hangs; it then counts as hung. */
  readonly help: () => Promise<unknown>;
}

/** Runs a command of the agent: its exit code and what it said; undefined if it hung. */
export async function launch(
  directory: string,
  operation: string,
  { sequenceNumber, help }: CommandWish,
): Promise<{ readonly code: number | null; readonly said: string } | undefined> {
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'extension', operation], {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      AZURE_GUEST_AGENT_EXTENSION_PATH: directory,
      AZURE_GUEST_AGENT_EXTENSION_VERSION: '1.0.0.0',
      ...(sequenceNumber === undefined ? {} : { ConfigSequenceNumber: `${sequenceNumber}` }),
      ...(operation === 'update'
        ? { AZURE_GUEST_AGENT_UPDATING_FROM_VERSION: '0.9.0.0', VERSION: '1.0.0.0' }
        : {}),
    },
  });
  let hasHung = false;
  const limit = setTimeout(async () => {
    hasHung = true;
    await help();
  }, COMMAND_LIMIT_MS);
  const said = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(limit);
  return hasHung ? undefined : { code, said: await said };
}
