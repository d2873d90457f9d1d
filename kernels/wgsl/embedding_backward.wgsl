// embedding_backward: dWeight[v] = sum over n with ids[n] = v, in ascending n, of dY[n]
// ids: (N), dY: (N, D), dWeight: (V, D)
// One workgroup per ROWS rows of dWeight; dispatch ceil(V / ROWS), folded into two dimensions. Each workgroup scans all ids,
// WORKGROUP at a time, marks those of its rows in bit masks, one per row, and walks the marks in ascending order. An
// invocation owns columns of rows, so no two write the same element and the order of the sum is fixed. Rows narrower than
// the workgroup go side by side.
// Overwrites dWeight, or adds to it where accumulate is 1.

const WORKGROUP = 256u;
const ROWS = 16u;
const MASK_WORDS = WORKGROUP / 32u;

struct Params {
  N: u32,
  V: u32,
  D: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> dY: array<f32>;
@group(0) @binding(2) var<storage, read_write> dWeight: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

// Which of the WORKGROUP ids at hand name each row, and which rows have any; set by integer atomics, whose order is
// immaterial.
var<workgroup> marks: array<array<atomic<u32>, MASK_WORDS>, ROWS>;
var<workgroup> marked_rows: atomic<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = (workgroup.y * workgroups.x + workgroup.x) * ROWS;
  if (first >= params.V) {
    return;
  }
  let rows = min(ROWS, params.V - first);
  let side_by_side = clamp(WORKGROUP / params.D, 1u, ROWS);
  let lanes = WORKGROUP / side_by_side;
  let lane = local % lanes;
  let own_row = local / lanes;
  if (params.accumulate == 0u && own_row < side_by_side) {
    for (var row = own_row; row < rows; row += side_by_side) {
      for (var d = lane; d < params.D; d += lanes) {
        dWeight[(first + row) * params.D + d] = 0.0;
      }
    }
  }
  for (var base = 0u; base < params.N; base += WORKGROUP) {
    workgroupBarrier();
    if (local < ROWS * MASK_WORDS) {
      atomicStore(&marks[local / MASK_WORDS][local % MASK_WORDS], 0u);
    }
    if (local == 0u) {
      atomicStore(&marked_rows, 0u);
    }
    workgroupBarrier();
    let n = base + local;
    // Ids beyond the vocabulary are taken for the last.
    let id = min(ids[min(n, params.N - 1u)], params.V - 1u);
    if (n < params.N && id >= first && id < first + rows) {
      let row = id - first;
      atomicOr(&marks[row][local / 32u], 1u << (local % 32u));
      atomicOr(&marked_rows, 1u << row);
    }
    workgroupBarrier();
    var todo = atomicLoad(&marked_rows);
    while (todo != 0u) {
      let row = firstTrailingBit(todo);
      todo &= todo - 1u;
      if (row % side_by_side != own_row) {
        continue;
      }
      for (var word = 0u; word < MASK_WORDS; word++) {
        var rest = atomicLoad(&marks[row][word]);
        while (rest != 0u) {
          let hit = base + word * 32u + firstTrailingBit(rest);
          rest &= rest - 1u;
          for (var d = lane; d < params.D; d += lanes) {
            dWeight[(first + row) * params.D + d] += dY[hit * params.D + d];
          }
        }
      }
    }
  }
}
