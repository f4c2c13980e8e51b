import type { ConnectionFault, FaultRule, Operation, RequestFault } from './model.ts';

interface Entry {
  readonly rule: FaultRule;
  seen: number;
}

/** The rules that stand, and how often each has matched. */
export class FaultBook {
  #entries: Entry[] = [];

  add(rule: FaultRule): void {
    this.#entries.push({ rule, seen: 0 });
  }

  /** Takes away the rules of one blob, or all. */
  clear(blob: string | undefined): void {
    this.#entries =
      blob === undefined ? [] : this.#entries.filter((entry) => entry.rule.blob !== blob);
  }

  /** Whether the blob's port is to be shut. Counts nothing. */
  refuses(blob: string): boolean {
    return this.#entries.some(
      ({ rule }) => rule.blob === blob && rule.at === 'connection' && rule.fault.kind === 'refuse',
    );
  }

  forConnection(blob: string | undefined): ConnectionFault | undefined {
    for (const entry of this.#entries) {
      const { rule } = entry;
      if (rule.at === 'connection' && rule.blob === blob && isDue(entry)) {
        return rule.fault;
      }
    }
    return undefined;
  }

  forRequest(blob: string | undefined, operation: Operation): RequestFault | undefined {
    for (const entry of this.#entries) {
      const { rule } = entry;
      if (rule.at === 'request' && rule.blob === blob && concerns(rule.operation, operation)) {
        if (isDue(entry)) {
          return rule.fault;
        }
      }
    }
    return undefined;
  }
}

function concerns(wanted: Operation | 'any' = 'snapshot', operation: Operation): boolean {
  return wanted === 'any' || wanted === operation;
}

/** Counts the match and says whether this one is hit. */
function isDue(entry: Entry): boolean {
  const { skip = 0, times = Number.POSITIVE_INFINITY } = entry.rule;
  entry.seen += 1;
  return entry.seen > skip && entry.seen <= skip + times;
}
