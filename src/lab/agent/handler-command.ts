import { once } from 'node:events';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guest } from './guest.ts';
import type { CommandName } from './handler-package.ts';

/** Most that the agent reads of standard output and standard error together, in characters. */
const OUTPUT_LIMIT = 3_200;
const LIMITS_MS: Readonly<Record<CommandName, number>> = {
  enable: 300_000,
  uninstall: 300_000,
  install: 900_000,
  update: 900_000,
  disable: 900_000,
};

export interface HandlerCommand {
  readonly name: CommandName;
  /** As the manifest has it. */
  readonly command: string;
  /** The extension's directory in the guest; also the working directory. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Default: the agent's. */
  readonly limitMs?: number;
  /** See GuestProgram. */
  readonly under?: readonly string[];
}

export interface CommandOutcome {
  readonly name: CommandName;
  /** Undefined if its time was over and it was killed. */
  readonly exitCode: number | undefined;
  /** What the agent puts into its log. */
  readonly output: string;
  readonly tookMs: number;
}

let count = 0;

/**
 * Runs a command as the agent does: `sh -c <path>`, in a process group of its own that is killed when its
 * time is over, standard output and error in nameless files on the file system of the
 * extension's directory, so that a write to them while it is frozen blocks.
 */
export async function runHandlerCommand(
  guest: Guest,
  command: HandlerCommand,
): Promise<CommandOutcome> {
  const { name, directory, environment } = command;
  await using stdout = await namelessFile(guest.path(directory));
  await using stderr = await namelessFile(guest.path(directory));
  const startedNs = process.hrtime.bigint();
  const child = guest.spawn(['sh', '-c', `${directory}/${command.command}`], {
    directory,
    environment,
    stdio: ['ignore', stdout.fd, stderr.fd],
    ...(command.under === undefined ? {} : { under: command.under }),
  });
  const state = { expired: false };
  const timer = setTimeout(() => {
    state.expired = true;
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  }, command.limitMs ?? LIMITS_MS[name]);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  return {
    name,
    exitCode: state.expired ? undefined : (code ?? -1),
    output: await readOutput(stdout, stderr),
    tookMs: Number(process.hrtime.bigint() - startedNs) / 1e6,
  };
}

async function namelessFile(directory: string): Promise<FileHandle> {
  count += 1;
  const path = join(directory, `.agent-${process.pid}-${count}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function readOutput(stdout: FileHandle, stderr: FileHandle): Promise<string> {
  const texts = await Promise.all(
    [stdout, stderr].map(async (file) => {
      const buffer = Buffer.alloc(4 * OUTPUT_LIMIT);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      return buffer.subarray(0, bytesRead).toString('utf8');
    }),
  );
  return texts
    .filter((text) => text !== '')
    .join('\n')
    .slice(0, OUTPUT_LIMIT);
}
