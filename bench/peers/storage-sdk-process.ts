/**
 * The Azure SDK as its samples use it: reads a PeerRequest on standard input, freezes one file system
 * after the other with fsfreeze(8), has all snapshots made with Promise.all, thaws. Prints nothing.
 */
import { text } from 'node:stream/consumers';
import { AnonymousCredential, PageBlobClient } from '@azure/storage-blob';
import { runCommand } from '../../src/lab/run-command.ts';
import type { PeerRequest } from './peer-request.ts';

const { mountPoints, urls } = JSON.parse(await text(process.stdin)) as PeerRequest;
const clients = urls.map((url) => new PageBlobClient(url, new AnonymousCredential()));
const frozen: string[] = [];
try {
  for (const mountPoint of mountPoints) {
    await runCommand('fsfreeze', ['--freeze', mountPoint]);
    frozen.push(mountPoint);
  }
  await Promise.all(clients.map((client) => client.createSnapshot()));
} finally {
  for (const mountPoint of frozen.reverse()) {
    await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
  }
}
