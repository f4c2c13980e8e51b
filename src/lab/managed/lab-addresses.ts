import { readFileSync, writeFileSync } from 'node:fs';
import { isInsideLab } from '../namespace.ts';
import { runCommand, tryCommand } from '../run-command.ts';

export const METADATA_ADDRESS = '169.254.169.254';
const HOSTS = '/etc/hosts';

/** The lab's network and its /etc are its own; on the machine itself that address belongs to the cloud. */
export async function takeLabAddresses(armHost: string): Promise<void> {
  if (!isInsideLab()) {
    throw new Error('the addresses of the cloud can be taken in the lab only');
  }
  const { stdout } = await tryCommand('ip', ['-4', 'address', 'show', 'dev', 'lo']);
  if (!stdout.includes(`inet ${METADATA_ADDRESS}/`)) {
    await runCommand('ip', ['address', 'add', `${METADATA_ADDRESS}/32`, 'dev', 'lo']);
  }
  nameArm(armHost, true);
}

/** Whether the name of the resource manager leads to the lab's, or to nothing. */
export function nameArm(armHost: string, known: boolean): void {
  const others = readFileSync(HOSTS, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith(` ${armHost}`));
  const lines = known ? [...others, `127.0.0.1 ${armHost}`] : others;
  writeFileSync(HOSTS, `${lines.join('\n')}\n`);
}
