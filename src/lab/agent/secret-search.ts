import { createHash } from 'node:crypto';
import { tryCommand } from '../run-command.ts';
import type { GuestProcess } from './guest-processes.ts';

/** Shorter ones would be found by chance. */
const SHORTEST_NEEDLE = 10;

/**
 * Looks for secrets byte by byte. Every secret is looked for by its longest run of letters and digits, so
 * that JSON's and URLs' ways of writing what is between them hide nothing, and in base64 at all three
 * alignments.
 */
export class SecretSearch {
  /** Needle → the name of its secret. */
  readonly #needles = new Map<string, string>();

  /** `secrets`: name → value. Throws if a value is too short to be looked for. */
  constructor(secrets: Readonly<Record<string, string>>) {
    for (const [name, secret] of Object.entries(secrets)) {
      for (const needle of [longestRun(secret, name), ...inBase64(secret)]) {
        this.#needles.set(needle, name);
      }
    }
  }

  /** Names of the secrets that stand in the text. */
  inText(text: string): string[] {
    const found = [...this.#needles].filter(([needle]) => text.includes(needle));
    return [...new Set(found.map(([, name]) => name))];
  }

  /** `<pid> <where>` for each place of a process that others can read and a secret stands in. */
  inProcesses(processes: readonly GuestProcess[]): string[] {
    return processes.flatMap(({ pid, commandLine, environment, titles }) => {
      const places = { 'command line': commandLine, environment, title: titles };
      return Object.entries(places)
        .filter(([, texts]) => this.inText(texts.join('\n')).length > 0)
        .map(([place]) => `${pid} ${place}`);
    });
  }

  /**
   * Paths of the files that hold one; folders are searched whole, but other file systems mounted in
   * them are not. An image is searched like any file: then also what has been deleted is found.
   */
  async inFiles(paths: readonly string[]): Promise<string[]> {
    const { code, stdout, stderr } = await tryCommand(
      'env',
      [
        ...['LC_ALL=C', 'grep', '--recursive', '--devices=skip', '--fixed-strings', '--null'],
        ...['--files-with-matches', '--file=-', '--', ...paths],
      ],
      `${[...this.#needles.keys()].join('\n')}\n`,
    );
    if (code > 1) {
      throw new Error(`the search ended with ${code}: ${stderr.trim()}`);
    }
    return stdout.split('\0').filter((path) => path !== '');
  }
}

function longestRun(secret: string, name: string): string {
  const runs = secret.split(/[^A-Za-z0-9]+/).sort((a, b) => b.length - a.length);
  const [longest = ''] = runs;
  if (longest.length < SHORTEST_NEEDLE) {
    throw new Error(`the secret "${name}" has no run of ${SHORTEST_NEEDLE} letters and digits`);
  }
  return longest;
}

/** What base64 of a text with the secret in it contains, wherever it stands there. */
function inBase64(secret: string): string[] {
  return [0, 1, 2].map((alignment) => {
    const encoded = Buffer.from(`${'x'.repeat(alignment)}${secret}`).toString('base64');
    // The ends depend on what stands beside the secret.
    return encoded.slice(alignment === 0 ? 0 : 4, -4);
  });
}

/** A secret like a SAS signature that is found nowhere else. */
export function madeUpSecret(name: string): string {
  return createHash('sha256').update(`${name} ${process.pid} ${Date.now()}`).digest('base64url');
}
