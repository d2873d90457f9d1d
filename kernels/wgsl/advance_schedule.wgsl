// advance_schedule: told = schedule; where clip[1] is not 0, the numbers that count updates are keep * count + add instead,
// and become the counts
// clip: (2) = norm, factor; schedule, told: (S); rates: (S, 2) = keep, add, both 0 for a number that counts nothing;
// state: (N), whose counts begin at `first`
// One invocation; dispatch 1. Overwrites told, reads and overwrites state from first on.

struct Params {
  S: u32,
  N: u32,
  first: u32,
}

@group(0) @binding(0) var<storage, read> clip: array<f32>;
@group(0) @binding(1) var<storage, read> schedule: array<f32>;
@group(0) @binding(2) var<storage, read> rates: array<f32>;
@group(0) @binding(3) var<storage, read_write> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> told: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  var place = params.first;
  for (var i = 0u; i < params.S; i++) {
    told[i] = schedule[i];
    let add = rates[2u * i + 1u];
    if (add == 0.0 || clip[1] == 0.0) {
      continue;
    }
    let count = rates[2u * i] * state[place] + add;
    told[i] = count;
    state[place] = count;
    place++;
  }
}
