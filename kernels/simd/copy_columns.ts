import { claim, divideElements, endElement, firstElement } from "./work";
import { copyStretch } from "./stretch";

// copy_columns: y[r,yFirst+j] = x[r,xFirst+j] for j < count and 0 in other columns, or += where accumulate is 1
// write_columns: y[r,yFirst+j] = x[r,j], other columns untouched
// x: (rows, xWidth), y: (rows, yWidth). A worker takes whole cache lines, of y and of x: rows may be few, or short.

export function copy_columns(
  x: usize,
  y: usize,
  rows: u32,
  xWidth: u32,
  yWidth: u32,
  xFirst: u32,
  yFirst: u32,
  count: u32,
  accumulate: u32,
  work: usize,
): void {
  const n = rows * yWidth;
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end;) {
      const row = i / yWidth;
      const column = i - row * yWidth;
      const next = min(yWidth, column + (end - i));
      // The columns that are copied, of those from `column` up to `next`.
      const first = min(max(column, yFirst), next);
      const last = max(min(next, yFirst + count), first);
      const line = y + ((row * yWidth as usize) << 2);
      if (first < last) {
        const copied = x + ((row * xWidth + xFirst + (first - yFirst) as usize) << 2);
        copyStretch(copied, line + ((first as usize) << 2), last - first, accumulate);
      }
      if (!accumulate) {
        memory.fill(line + ((column as usize) << 2), 0, ((first - column) as usize) << 2);
        memory.fill(line + ((last as usize) << 2), 0, ((next - last) as usize) << 2);
      }
      i += next - column;
    }
  }
}

export function write_columns(
  x: usize,
  y: usize,
  rows: u32,
  xWidth: u32,
  yWidth: u32,
  yFirst: u32,
  work: usize,
): void {
  const n = rows * xWidth;
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end;) {
      const row = i / xWidth;
      const column = i - row * xWidth;
      const count = min(xWidth - column, end - i);
      const line = y + ((row * yWidth + yFirst + column as usize) << 2);
      copyStretch(x + ((i as usize) << 2), line, count, 0);
      i += count;
    }
  }
}
