// For kernels in which LANES invocations have a column, and add up what they have, once. A workgroup has COLUMNS columns
// side by side: an invocation's is its index modulo COLUMNS.
// Element, 1 or 4 columns: element_1.wgsl or element_4.wgsl.

var<workgroup> shared_sums: array<Element, WORKGROUP>;

// The sum of the values of a column's invocations, by a tree: the same order every time. The first COLUMNS have it.
fn column_sum(value: Element, local: u32) -> Element {
  shared_sums[local] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half * COLUMNS) {
      shared_sums[local] += shared_sums[local + half * COLUMNS];
    }
  }
  return shared_sums[local];
}
