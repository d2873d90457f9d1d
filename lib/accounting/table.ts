/**
 * Lays cells out in columns: the first column to the left, the rest, which hold numbers, to the right.
 *
 * @param header Column titles; their number is the number of columns.
 * @param rows Cells, as many as titles.
 * @param left Further columns, counted from 0, to lay to the left because they hold words.
 * @returns Lines without a final newline: the header, a rule, the rows.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[] = [],
): string {
  const widths = header.map((title, i) => Math.max(...[title, ...rows.map((row) => row[i])].map(displayWidth)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => {
      const padding = " ".repeat(widths[i] - displayWidth(cell));
      return i === 0 || left.includes(i) ? cell + padding : padding + cell;
    }).join("  ").trimEnd();
  return [line(header), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join("\n");
}

/** Columns on a terminal: code points that are not combining marks. Wide characters do not occur in these tables. */
function displayWidth(text: string): number {
  return [...text.replace(/\p{M}/gu, "")].length;
}
