import { courseAfter } from './decision.ts';
import type { ApplicationRecord, Finding, QuiescedApplication } from './quiesce-types.ts';

/** An application that could not even be tried. */
export class NothingQuiesced implements QuiescedApplication {
  readonly #name: string;
  readonly findings: readonly Finding[];

  constructor(name: string, findings: readonly Finding[]) {
    this.#name = name;
    this.findings = findings;
  }

  get course(): QuiescedApplication['course'] {
    return courseAfter(this.findings, true);
  }

  async resume(): Promise<void> {}

  record(): ApplicationRecord {
    return { name: this.#name, findings: this.findings, held: undefined };
  }
}
