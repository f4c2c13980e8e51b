export interface OracleInstance {
  /** Empty if the environment of the client says. */
  readonly sid: string;
  /** ORACLE_HOME; empty if the client's place says. */
  readonly home: string;
}

/**
 * The databases of an oratab: lines of `SID:HOME:…`. Passed over are comments, `*` for a missing SID, and
 * what holds no database of the operator's: ASM (`+ASM`) and Grid Infrastructure's own (`-MGMTDB`).
 */
export function parseOratab(text: string): OracleInstance[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .map((line) => line.split(':'))
    .filter(([sid = '', home = '']) => /^[^*+-]/.test(sid) && home !== '')
    .map(([sid = '', home = '']) => ({ sid, home }));
}
