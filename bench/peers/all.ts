import type { OptionalCommand } from '../../src/lab/requirements.ts';
import type { Contender } from '../sample.ts';
import { fsfreezeAndCurl } from './fsfreeze-curl.ts';
import { nativeFloor } from './native-floor.ts';
import { scriptedPeer } from './peer-request.ts';

/** What else takes snapshots of a whole machine; as `--peers` names them. */
export const PEERS = {
  native: nativeFloor(),
  fsfreeze: fsfreezeAndCurl(),
  sdk: scriptedPeer('storage-blob SDK', 'storage-sdk-process.ts'),
  'guest-agent': scriptedPeer('guest agent', 'guest-agent-process.ts'),
} as const satisfies Record<string, Contender>;

export type PeerName = keyof typeof PEERS;

export const PEER_NAMES = Object.keys(PEERS) as PeerName[];

/** The programs they call. */
export const PEER_COMMANDS: readonly OptionalCommand[] = [
  'curl',
  'qemu-ga',
  '/usr/include/openssl/ssl.h',
];
