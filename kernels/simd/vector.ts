// Loads and stores of fewer than four floats, and sums across lanes. The ends of rows go through the same vector
// arithmetic as the rest, so an element's bits do not depend on where in its row it lies.

/** Loads `count` floats (1, 2 or 3) into the low lanes; the others are 0. @inline */
export function loadTail(p: usize, count: u32): v128 {
  if (count === 1) return v128.load_zero<f32>(p);
  const low = v128.load_zero<f64>(p);
  return count === 2 ? low : v128.load_lane<f32>(p, low, 2, 8);
}

/** Stores the low `count` lanes (1, 2 or 3). @inline */
export function storeTail(p: usize, v: v128, count: u32): void {
  if (count === 1) {
    v128.store_lane<f32>(p, v, 0);
    return;
  }
  v128.store_lane<f64>(p, v, 0);
  if (count === 3) v128.store_lane<f32>(p, v, 2, 8);
}

/** Loads up to four floats, 0 for the rest. @inline */
export function loadLanes(from: usize, count: i32): v128 {
  if (count >= 4) return v128.load(from);
  return count <= 0 ? f32x4.splat(0) : loadTail(from, count as u32);
}

/** Stores up to four of the lanes. @inline */
export function storeLanes(to: usize, value: v128, count: i32): void {
  if (count >= 4) v128.store(to, value);
  else if (count > 0) storeTail(to, value, count as u32);
}

/** Stores up to four of the lanes, or adds them to what is there. @inline */
export function writeLanes(to: usize, value: v128, count: i32, add: bool): void {
  storeLanes(to, add ? f32x4.add(loadLanes(to, count), value) : value, count);
}

/** (v₀ + v₂) + (v₁ + v₃). @inline */
export function sumLanes(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The sums of the lanes of each of four vectors. @inline */
export function sumLanesOf4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** The largest of the four lanes. @inline */
export function maxLane(v: v128): f32 {
  const pairs = f32x4.pmax(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/** The sum of n floats, in an order that depends on n alone. */
export function sumOf(from: usize, n: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let i: u32 = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = f32x4.add(s0, v128.load(from));
    s1 = f32x4.add(s1, v128.load(from, 16));
    s2 = f32x4.add(s2, v128.load(from, 32));
    s3 = f32x4.add(s3, v128.load(from, 48));
    from += 64;
  }
  for (; i + 4 <= n; i += 4) {
    s0 = f32x4.add(s0, v128.load(from));
    from += 16;
  }
  if (i < n) s1 = f32x4.add(s1, loadTail(from, n - i));
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** Σᵢ a[i] · b[i] over n floats, in an order that depends on n alone. */
export function dot(a: usize, b: usize, n: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let i: u32 = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = f32x4.relaxed_madd(v128.load(a), v128.load(b), s0);
    s1 = f32x4.relaxed_madd(v128.load(a, 16), v128.load(b, 16), s1);
    s2 = f32x4.relaxed_madd(v128.load(a, 32), v128.load(b, 32), s2);
    s3 = f32x4.relaxed_madd(v128.load(a, 48), v128.load(b, 48), s3);
    a += 64;
    b += 64;
  }
  for (; i + 4 <= n; i += 4) {
    s0 = f32x4.relaxed_madd(v128.load(a), v128.load(b), s0);
    a += 16;
    b += 16;
  }
  if (i < n) s1 = f32x4.relaxed_madd(loadTail(a, n - i), loadTail(b, n - i), s1);
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** The largest of n floats; NaN is passed over. */
export function maximum(p: usize, n: u32): f32 {
  // pmax is one instruction where max, which must see to NaN, is eight.
  let m0 = f32x4.splat(-Infinity);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  let i: u32 = 0;
  for (; i + 16 <= n; i += 16) {
    m0 = f32x4.pmax(m0, v128.load(p));
    m1 = f32x4.pmax(m1, v128.load(p, 16));
    m2 = f32x4.pmax(m2, v128.load(p, 32));
    m3 = f32x4.pmax(m3, v128.load(p, 48));
    p += 64;
  }
  for (; i + 4 <= n; i += 4) {
    m0 = f32x4.pmax(m0, v128.load(p));
    p += 16;
  }
  for (; i < n; i++) {
    m1 = f32x4.pmax(m1, v128.load_splat<f32>(p));
    p += 4;
  }
  return maxLane(f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3)));
}
