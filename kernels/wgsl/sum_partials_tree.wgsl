// sum_partials for many partials of few columns: y[d] = sum over p of partials[p,d]
// partials: (P, D), y: (D)
// A workgroup computes COLUMNS elements. LANES invocations share the partials of each, and a tree adds up what they have.
// Dispatch ceil(D / WIDTH / COLUMNS), folded into two dimensions. Overwrites y, or adds to it where accumulate is 1.
// Element and WIDTH, 1 or 4 columns: element_1.wgsl or element_4.wgsl.
// column_sum: column_sum.wgsl.

const WORKGROUP = 256u;
const LANES = 16u;
const COLUMNS = WORKGROUP / LANES;

struct Params {
  P: u32,
  D: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> partials: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let width = params.D / WIDTH;
  let column = (workgroup.y * workgroups.x + workgroup.x) * COLUMNS + local % COLUMNS;
  var sum = Element();
  if (column < width) {
    for (var p = local / COLUMNS; p < params.P; p += LANES) {
      sum += partials[p * width + column];
    }
  }
  let total = column_sum(sum, local);
  if (local < COLUMNS && column < width) {
    var value = total;
    if (params.accumulate != 0u) {
      value += y[column];
    }
    y[column] = value;
  }
}
