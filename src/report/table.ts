import Table from 'cli-table3';

export interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
}

type Row = readonly (string | number)[];

/** cli-table3 compares each cell with every cell above it: a table of 2,500 rows took it 17 s. */
const ROWS_AT_ONCE = 50;

/** A table for the terminal: a head, and a line for each row. */
export function renderTable(columns: readonly Column[], rows: readonly Row[]): string {
  const parts = Array.from({ length: Math.ceil(rows.length / ROWS_AT_ONCE) }, (_, index) =>
    rows.slice(index * ROWS_AT_ONCE, (index + 1) * ROWS_AT_ONCE),
  );
  const [first = [], ...others] = parts;
  const heads = columns.map(({ head }) => head);
  const parted = [{ heads, rows: first }, ...others.map((part) => ({ heads: [], rows: part }))];
  const measured = parted.map((part) => renderPart(columns, part, []));
  if (others.length === 0) {
    return measured.map(({ text }) => text).join('\n');
  }
  const widths = columns.map((_, index) =>
    Math.max(...measured.map((part) => part.widths[index] ?? 0)),
  );
  return parted.map((part) => renderPart(columns, part, widths).text).join('\n');
}

interface Part {
  readonly heads: readonly string[];
  readonly rows: readonly Row[];
}

/** @param widths of the columns; empty: as wide as the widest cell of this part */
function renderPart(
  columns: readonly Column[],
  { heads, rows }: Part,
  widths: readonly number[],
): { readonly text: string; readonly widths: readonly number[] } {
  // cli-table3 adds the widths that it finds itself.
  const colWidths = [...widths];
  const table = new Table({
    head: [...heads],
    colAligns: columns.map(({ align }) => align),
    colWidths,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: NO_FRAME,
  });
  table.push(...rows.map((row) => [...row]));
  return { text: table.toString(), widths: colWidths };
}

const NO_FRAME = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
};
