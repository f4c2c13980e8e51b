/**
 * The writer of one chain, in a process of its own: it blocks when it meets a frozen file system.
 * Argument: a WriterOrder as JSON. Driven and asked over the IPC channel; ends with it.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/lab/blob-server/random.ts';
import { LOG_FILE, NEW_FILE, slotFile } from './chain-files.ts';
import { type Chain, stepOf } from './order.ts';
import { rawOffset } from './raw-area.ts';
import { encodeRecord } from './record.ts';

export interface WriterOrder {
  readonly chain: Chain;
  readonly places: readonly WriterPlace[];
}

/** Where the chain writes on a place: files in a directory, or a raw disk. */
export type WriterPlace =
  | { readonly kind: 'files'; readonly directory: string }
  | { readonly kind: 'raw'; readonly device: string };

export type WriterCommand = 'go' | 'rest' | 'report';

/** Records 1…`durable` are durable, those after `durable + 1` not begun. */
export interface WriterReport {
  readonly durable: number;
}

type OpenPlace = OpenDirectory | { readonly kind: 'raw'; readonly fd: number };

interface OpenDirectory {
  readonly kind: 'files';
  readonly directory: string;
  readonly directoryFd: number;
  readonly logFd: number;
}

/** Between two looks at the channel. */
const RECORDS_A_TURN = 8;

const order: WriterOrder = JSON.parse(process.argv[2] ?? '');
const places = order.places.map(openPlace);
let durable = 0;
let resting: PromiseWithResolvers<void> | undefined = Promise.withResolvers();

function openPlace(place: WriterPlace): OpenPlace {
  return place.kind === 'files' ? openDirectory(place.directory) : openRaw(place.device);
}

/** Every write to it is durable when it returns. */
function openRaw(device: string): OpenPlace {
  return { kind: 'raw', fd: openSync(device, constants.O_RDWR | constants.O_DSYNC) };
}

function openDirectory(directory: string): OpenDirectory {
  mkdirSync(directory, { recursive: true });
  const logFd = openSync(join(directory, LOG_FILE), 'a');
  const directoryFd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  fsyncSync(logFd);
  fsyncSync(directoryFd);
  const parentFd = openSync(dirname(directory), constants.O_RDONLY | constants.O_DIRECTORY);
  fsyncSync(parentFd);
  closeSync(parentFd);
  return { kind: 'files', directory, directoryFd, logFd };
}

/** Returns when record `k` is durable. */
function put(k: number): void {
  const step = stepOf(order.chain, k);
  const { place, kind, slot } = step;
  const open = places[place];
  if (open === undefined) {
    throw new RangeError(`chain ${order.chain.number} cannot write to place ${place}`);
  }
  const record = encodeRecord(order.chain.number, k);
  if (open.kind === 'raw') {
    writeSync(open.fd, record, 0, record.length, rawOffset(order.chain.number, step));
  } else if (kind === 'append') {
    writeSync(open.logFd, record);
    fdatasyncSync(open.logFd);
  } else {
    replace(open, slot, record);
  }
}

function replace({ directory, directoryFd }: OpenDirectory, slot: number, record: Buffer): void {
  const newPath = join(directory, NEW_FILE);
  const fd = openSync(newPath, 'w');
  writeSync(fd, record);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(newPath, join(directory, slotFile(slot)));
  fsyncSync(directoryFd);
}

/** Waits once in a while, if the chain pauses. */
function pausing({ pauses }: Chain): () => Promise<void> {
  if (pauses === undefined) {
    return () => nextTurn();
  }
  const random = seededRandom(pauses.seed);
  let pauseAt = 0;
  return async () => {
    await nextTurn();
    if (durable >= pauseAt) {
      pauseAt = durable + random() * pauses.mostRecords;
      await sleep(random() * pauses.longestMs);
    }
  };
}

async function write(): Promise<never> {
  const pause = pausing(order.chain);
  for (;;) {
    await resting?.promise;
    for (let count = 0; count < RECORDS_A_TURN; count += 1) {
      put(durable + 1);
      durable += 1;
    }
    await pause();
  }
}

process.on('message', (command: WriterCommand) => {
  if (command === 'go') {
    resting?.resolve();
    resting = undefined;
  } else if (command === 'rest') {
    resting ??= Promise.withResolvers();
  }
  const report: WriterReport = { durable };
  process.send?.(report);
});
process.on('disconnect', () => process.exit(0));
await write();
