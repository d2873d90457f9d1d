// For kernels that add up `term`, a row's part of a column, over parts of the rows: LANES invocations share a part's rows.
// Element, 1 or 4 columns: element_1.wgsl or element_4.wgsl. part_start: part_start.wgsl.

// Rows of an invocation that are on their way from memory at the same time.
const UNROLLED = 4u;

// The sum over every LANES-th of a part's rows.
fn sum_of_rows(p: u32, column: u32, width: u32, lane: u32) -> Element {
  let end = part_start(p + 1u, params.rows, params.P);
  var r = part_start(p, params.rows, params.P) + lane;
  var sums = array<Element, UNROLLED>();
  for (; r + (UNROLLED - 1u) * LANES < end; r += UNROLLED * LANES) {
    sums[0] += term(r, column, width);
    sums[1] += term(r + LANES, column, width);
    sums[2] += term(r + 2u * LANES, column, width);
    sums[3] += term(r + 3u * LANES, column, width);
  }
  for (; r < end; r += LANES) {
    sums[0] += term(r, column, width);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}
