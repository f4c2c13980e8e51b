import type { Check } from './doctor-types.ts';

export function ok(id: string, finding: string): Check {
  return { id, status: 'ok', finding, remedy: null };
}

export function warning(id: string, finding: string, remedy: string): Check {
  return { id, status: 'warning', finding, remedy };
}

export function failed(id: string, finding: string, remedy: string): Check {
  return { id, status: 'failed', finding, remedy };
}
