// embedding_backward: dWeight[v] = sum over n with ids[n] = v, in ascending n, of dY[n]
// ids: (N), dY: (N, D), dWeight: (V, D)
// One workgroup per ROWS rows of dWeight; dispatch ceil(V / ROWS), folded into two dimensions. Each workgroup scans all ids,
// WORKGROUP at a time, marks those of its rows in a bit mask, and walks the marks in ascending order; an invocation owns
// columns, so no two write the same element and the order of the sum is fixed.
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

// Which of the WORKGROUP ids at hand belong to this workgroup's rows; set by integer atomics, whose order is immaterial.
var<workgroup> marks: array<atomic<u32>, MASK_WORDS>;

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
  let end = min(first + ROWS, params.V);
  if (params.accumulate == 0u) {
    for (var v = first; v < end; v++) {
      for (var d = local; d < params.D; d += WORKGROUP) {
        dWeight[v * params.D + d] = 0.0;
      }
    }
  }
  for (var base = 0u; base < params.N; base += WORKGROUP) {
    workgroupBarrier();
    if (local < MASK_WORDS) {
      atomicStore(&marks[local], 0u);
    }
    workgroupBarrier();
    let n = base + local;
    if (n < params.N && ids[n] >= first && ids[n] < end) {
      atomicOr(&marks[local / 32u], 1u << (local % 32u));
    }
    workgroupBarrier();
    for (var word = 0u; word < MASK_WORDS; word++) {
      var rest = atomicLoad(&marks[word]);
      while (rest != 0u) {
        let hit = base + word * 32u + firstTrailingBit(rest);
        rest &= rest - 1u;
        let row = ids[hit] * params.D;
        for (var d = local; d < params.D; d += WORKGROUP) {
          dWeight[row + d] += dY[hit * params.D + d];
        }
      }
    }
  }
}
