// For kernels that add up `term`, a row's part of a column, over parts of the rows, into `partials`: (P, D).
// sum_of_rows: sum_of_rows.wgsl; column_sum: column_sum.wgsl.

// What one workgroup writes: COLUMNS columns of a part, by the workgroup's index.
fn write_part(index: u32, local: u32) {
  let width = params.D / WIDTH;
  let across = (width + COLUMNS - 1u) / COLUMNS;
  let p = index / across;
  if (p >= params.P) {
    return;
  }
  let column = index % across * COLUMNS + local % COLUMNS;
  var sum = Element();
  if (column < width) {
    sum = sum_of_rows(p, column, width, local / COLUMNS);
  }
  let total = column_sum(sum, local);
  if (local < COLUMNS && column < width) {
    partials[p * width + column] = total;
  }
}
