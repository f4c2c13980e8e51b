import type { Check } from './doctor-types.ts';

/** @param brief the finding with a long list cut, for people */
export function ok(id: string, finding: string, brief: string = finding): Check {
  return { id, status: 'ok', finding, remedy: null, ...(brief === finding ? {} : { brief }) };
}

export function warning(id: string, finding: string, remedy: string): Check {
  return { id, status: 'warning', finding, remedy };
}

export function failed(id: string, finding: string, remedy: string): Check {
  return { id, status: 'failed', finding, remedy };
}
