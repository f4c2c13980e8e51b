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
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LOG_FILE, NEW_FILE, slotFile } from './chain-files.ts';
import { type Chain, stepOf } from './order.ts';
import { encodeRecord } from './record.ts';

export interface WriterOrder {
  readonly chain: Chain;
  /** Of the chain on each place. */
  readonly directories: readonly string[];
}

export type WriterCommand = 'go' | 'rest' | 'report';

/** Records 1…`durable` are durable, those after `durable + 1` not begun. */
export interface WriterReport {
  readonly durable: number;
}

interface OpenPlace {
  readonly directory: string;
  readonly directoryFd: number;
  readonly logFd: number;
}

/** Between two looks at the channel. */
const RECORDS_A_TURN = 8;

const order: WriterOrder = JSON.parse(process.argv[2] ?? '');
const places = order.directories.map(openPlace);
let durable = 0;
let resting: PromiseWithResolvers<void> | undefined = Promise.withResolvers();

function openPlace(directory: string): OpenPlace {
  mkdirSync(directory, { recursive: true });
  const logFd = openSync(join(directory, LOG_FILE), 'a');
  const directoryFd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  fsyncSync(logFd);
  fsyncSync(directoryFd);
  const parentFd = openSync(dirname(directory), constants.O_RDONLY | constants.O_DIRECTORY);
  fsyncSync(parentFd);
  closeSync(parentFd);
  return { directory, directoryFd, logFd };
}

/** Returns when record `k` is durable. */
function put(k: number): void {
  const { place, kind, slot } = stepOf(order.chain, k);
  const open = places[place];
  if (open === undefined) {
    throw new RangeError(`chain ${order.chain.number} has no directory on place ${place}`);
  }
  const record = encodeRecord(order.chain.number, k);
  if (kind === 'append') {
    writeSync(open.logFd, record);
    fdatasyncSync(open.logFd);
  } else {
    replace(open, slot, record);
  }
}

function replace({ directory, directoryFd }: OpenPlace, slot: number, record: Buffer): void {
  const newPath = join(directory, NEW_FILE);
  const fd = openSync(newPath, 'w');
  writeSync(fd, record);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(newPath, join(directory, slotFile(slot)));
  fsyncSync(directoryFd);
}

async function write(): Promise<never> {
  for (;;) {
    await resting?.promise;
    for (let count = 0; count < RECORDS_A_TURN; count += 1) {
      put(durable + 1);
      durable += 1;
    }
    await nextTurn();
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
