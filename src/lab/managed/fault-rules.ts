import type {
  CallName,
  ConnectionFault,
  LoggedCall,
  ManagedFault,
  ManagedFaultRule,
} from './model.ts';

interface Entry {
  readonly rule: ManagedFaultRule;
  readonly endsMs: number;
  seen: number;
}

/** The rules that stand, and how often each has matched. */
export class FaultRules {
  #entries: Entry[] = [];

  add(rule: ManagedFaultRule): void {
    const endsMs = performance.now() + (rule.forMs ?? Number.POSITIVE_INFINITY);
    this.#entries.push({ rule, endsMs, seen: 0 });
  }

  clear(): void {
    this.#entries = [];
  }

  forConnection(): ConnectionFault | undefined {
    for (const entry of this.#entries) {
      if (entry.rule.call === 'connection' && isDue(entry)) {
        return entry.rule.fault as ConnectionFault;
      }
    }
    return undefined;
  }

  forCall(
    service: LoggedCall['service'],
    call: CallName,
    disk: string | undefined,
  ): ManagedFault | undefined {
    for (const entry of this.#entries) {
      const { rule } = entry;
      if (rule.call !== 'connection' && concerns(rule, service, call, disk) && isDue(entry)) {
        return (rule as { readonly fault: ManagedFault }).fault;
      }
    }
    return undefined;
  }
}

function concerns(
  rule: ManagedFaultRule,
  service: LoggedCall['service'],
  call: CallName,
  disk: string | undefined,
): boolean {
  if ('disk' in rule && rule.disk !== undefined) {
    if (rule.disk.toLowerCase() !== disk?.toLowerCase()) {
      return false;
    }
  }
  if (rule.call === 'any-resource' || rule.call === 'any-metadata') {
    return (rule.call === 'any-metadata') === (service === 'metadata');
  }
  return typeof rule.call === 'string' ? rule.call === call : rule.call.includes(call);
}

/** Counts the match and says whether this one is hit. */
function isDue(entry: Entry): boolean {
  const { skip = 0, times = Number.POSITIVE_INFINITY } = entry.rule;
  if (performance.now() >= entry.endsMs) {
    return false;
  }
  entry.seen += 1;
  return entry.seen > skip && entry.seen <= skip + times;
}
