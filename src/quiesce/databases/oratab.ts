export interface OracleInstance {
  /** Empty where the environment of the client says. */
  readonly sid: string;
  /** ORACLE_HOME; empty where the client's place says. */
  readonly home: string;
}

/** The instances of an oratab: lines of `SID:HOME:…`; comments, and `*` for a missing SID, are passed over. */
export function parseOratab(text: string): OracleInstance[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .map((line) => line.split(':'))
    .filter(([sid = '', home = '']) => sid !== '' && sid !== '*' && home !== '')
    .map(([sid = '', home = '']) => ({ sid, home }));
}
