import Table from 'cli-table3';

export interface Column<Row> {
  readonly head: string;
  /** Text stays as it is, on the left; numbers go to the right. */
  readonly value: (row: Row) => string | number;
  /** Of a number; default 1. */
  readonly decimals?: number;
}

/** A terminal table; columns of numbers are aligned to the right. `–` stands for no figure. */
export function renderTable<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string {
  const cells = rows.map((row) => columns.map((column) => cell(column, row)));
  const isText = columns.map(({ value }) => rows.some((row) => typeof value(row) === 'string'));
  const table = new Table({
    head: columns.map(({ head }) => head),
    colAligns: isText.map((text) => (text ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  table.push(...cells);
  return `${title}\n${table.toString()}`;
}

function cell<Row>({ value, decimals = 1 }: Column<Row>, row: Row): string {
  const content = value(row);
  return typeof content === 'string' ? content : figure(content, decimals);
}

/** JSON turns what is not a number into null. */
export function figure(value: number | null, decimals: number): string {
  return value === null || !Number.isFinite(value) ? '–' : value.toFixed(decimals);
}
