/**
 * Lays out cells in columns: the first aligned left, the others, which hold numbers, aligned right.
 *
 * @param header Column titles, one per column.
 * @param rows Cells, one per column.
 * @param left Other columns, counted from 0, to align left because they hold words.
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

/** Width on a terminal: the code points that are not combining marks. Wide characters do not occur in these tables. */
function displayWidth(text: string): number {
  return [...text.replace(/\p{M}/gu, "")].length;
}
