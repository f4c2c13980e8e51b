import { setTimeout as delay } from 'node:timers/promises';
import { ClientSession } from '../../quiesce/databases/client-session.ts';
import { type Random, seededRandom } from '../blob-server/random.ts';
import type { LabDatabase } from './database-server.ts';
import { askAll, type Engine } from './engine.ts';

export const WRITERS = 4;
const ACCOUNTS_EACH = 10;
export const ACCOUNTS = WRITERS * ACCOUNTS_EACH;
export const FIRST_BALANCE = 1_000;
const LIMIT_MS = 60_000;

/** One transaction as its writer saw it. Wall clock, in ms: the barrier is told in the same. */
export interface Acknowledged {
  readonly sequence: number;
  readonly sentMs: number;
  readonly acknowledgedMs: number;
}

/** Makes the tables of the workload. */
export async function makeAccounts(database: LabDatabase, engine: Engine): Promise<void> {
  const rows = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, ${FIRST_BALANCE})`);
  await askAll(database, [...engine.tables, `INSERT INTO accounts VALUES ${rows.join(', ')};`]);
}

/**
 * Moves money between accounts and keeps a journal of it, each writer between accounts of its own, each
 * transaction acknowledged before the next is sent.
 */
export class Transfers implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #sessions: readonly ClientSession[];
  readonly #history: readonly Acknowledged[][];
  readonly #random: Random;
  #writing: Promise<unknown> | undefined;
  #goesOn = false;

  private constructor(engine: Engine, sessions: readonly ClientSession[], seed: number) {
    this.#engine = engine;
    this.#sessions = sessions;
    this.#history = sessions.map(() => []);
    this.#random = seededRandom(seed);
  }

  static async connect(database: LabDatabase, engine: Engine, seed: number): Promise<Transfers> {
    const sessions = Array.from(
      { length: WRITERS },
      () => new ClientSession(database.client, database.dialect),
    );
    if (engine.name === 'mariadb') {
      await Promise.all(sessions.map((session) => session.ask('USE bank;', LIMIT_MS)));
    }
    return new Transfers(engine, sessions, seed);
  }

  /** Of each writer, in order. */
  get history(): readonly (readonly Acknowledged[])[] {
    return this.#history;
  }

  /** Lets the writers write, so long at least. */
  async go(leastMs: number): Promise<void> {
    this.#goesOn = true;
    this.#writing ??= Promise.all(this.#sessions.map((_, writer) => this.#write(writer)));
    await Promise.race([delay(leastMs), this.#writing]);
  }

  /** Stops them, each after its transaction. Rejects if one was refused. */
  async rest(): Promise<void> {
    this.#goesOn = false;
    await this.#writing;
    this.#writing = undefined;
  }

  /** The longest that any writer waited for one transaction that was sent in this time. */
  longestMs(fromMs: number, toMs: number): number {
    const waits = this.#history.flatMap((all) =>
      all
        .filter(({ sentMs, acknowledgedMs }) => acknowledgedMs >= fromMs && sentMs <= toMs)
        .map(({ sentMs, acknowledgedMs }) => acknowledgedMs - sentMs),
    );
    return Math.max(0, ...waits);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#goesOn = false;
    await this.#writing?.catch(() => {});
    await Promise.all(this.#sessions.map((session) => session.end()));
  }

  async #write(writer: number): Promise<void> {
    const history = this.#history[writer] ?? [];
    while (this.#goesOn) {
      const sequence = history.length + 1;
      const sentMs = now();
      const answer = await this.#sessions[writer]?.ask(this.#next(writer, sequence), LIMIT_MS);
      if (answer?.kind !== 'answered') {
        throw new Error(`writer ${writer}, transaction ${sequence}: ${JSON.stringify(answer)}`);
      }
      history.push({ sequence, sentMs, acknowledgedMs: now() });
    }
  }

  #next(writer: number, sequence: number): string {
    const pick = (count: number): number => Math.floor(this.#random() * count);
    const source = pick(ACCOUNTS_EACH);
    const target = (source + 1 + pick(ACCOUNTS_EACH - 1)) % ACCOUNTS_EACH;
    const first = writer * ACCOUNTS_EACH;
    return this.#engine.transfer({
      ...{ writer, sequence, amount: 1 + pick(9) },
      ...{ source: first + source, target: first + target },
    });
  }
}

/** The wall clock as Date.now() tells it. */
function now(): number {
  return Date.now();
}
