import type { ResultCode } from '../../result-codes.ts';
import { reasonOf } from '../../system/errno.ts';
import { deadlineIn } from '../../system/stamps.ts';
import { type ClientCommand, ClientSession, type Dialect } from './client-session.ts';
import { DatabaseFault } from './fault.ts';

/** What a kind of database makes of a refusal by its server. */
export type RefusalCode = (reason: string, otherwise: ResultCode) => ResultCode;

/**
 * A client session whose failures are faults with result codes, and whose questions together must be
 * answered before a deadline.
 */
export class DatabaseSession {
  readonly #client: ClientSession;
  readonly #name: string;
  readonly #codeOf: RefusalCode;
  readonly #isLost: Dialect['isLost'];
  #deadlineNs: bigint;
  #isOver = false;

  /**
   * @param name of the database, for messages
   * @throws DatabaseFault 506 if the client cannot even be started
   */
  constructor(
    name: string,
    command: ClientCommand,
    dialect: Dialect,
    codeOf: RefusalCode,
    timeoutMs: number,
  ) {
    this.#name = name;
    this.#client = startClient(name, command, dialect);
    this.#codeOf = codeOf;
    this.#isLost = dialect.isLost;
    this.#deadlineNs = deadlineIn(timeoutMs);
  }

  /** It ended or was killed: whatever it is asked, it will not answer any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** From now on so much time is left. */
  allow(timeoutMs: number): void {
    this.#deadlineNs = deadlineIn(timeoutMs);
  }

  /**
   * The lines that a statement gives.
   *
   * @param code where it fails for no reason that has a code of its own
   * @param shown of the statement in messages
   * @throws DatabaseFault 510 if the time is over; 506 if the connection is lost, or 504 if that is `code`
   */
  async ask(
    statement: string,
    code: ResultCode = 509,
    shown: string = statement,
  ): Promise<readonly string[]> {
    const leftMs = Math.max(0, Number(this.#deadlineNs - process.hrtime.bigint()) / 1e6);
    const answer = await this.#client.ask(statement, leftMs);
    switch (answer.kind) {
      case 'answered':
        return answer.lines;
      case 'refused':
        throw this.#isLost(answer.reason)
          ? this.#ended(answer.reason, code)
          : new DatabaseFault(
              this.#codeOf(answer.reason, code),
              `${this.#name} refused "${shown}": ${inOneLine(answer.reason)}`,
            );
      case 'ended':
        throw this.#ended(answer.reason, code);
      case 'timed-out':
        this.kill();
        throw new DatabaseFault(510, `${this.#name} did not answer "${shown}" in time`);
    }
  }

  /** The answer to a statement; undefined if the server refuses it, as one that does not know the statement. */
  async tryAsk(statement: string): Promise<readonly string[] | undefined> {
    try {
      return await this.ask(statement);
    } catch (error) {
      if (error instanceof DatabaseFault && error.code !== 506 && error.code !== 510) {
        return undefined;
      }
      throw error;
    }
  }

  #ended(reason: string, code: ResultCode): DatabaseFault {
    this.kill();
    return new DatabaseFault(
      this.#codeOf(reason, code === 504 ? 504 : 506),
      `the session with ${this.#name} ended: ${inOneLine(reason)}`,
    );
  }

  async end(): Promise<void> {
    await this.#client.end();
  }

  kill(): void {
    this.#isOver = true;
    this.#client.kill();
  }
}

function inOneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

function startClient(name: string, command: ClientCommand, dialect: Dialect): ClientSession {
  try {
    return new ClientSession(command, dialect);
  } catch (error) {
    // Most errors of spawn come as the end of the client, but some (E2BIG, ENOMEM) are thrown.
    const reason = reasonOf(error);
    throw new DatabaseFault(
      506,
      `the client of ${name}, ${command.program}, cannot be started (${reason})`,
    );
  }
}
