import { approximateShare, approximateSlope, bounded } from "./gelu";
import { sigmoid, siluSlope } from "./silu";
import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// swiglu_forward: y = silu(gate) up
// swiglu_backward: dGate (+)= dY up silu′(gate); dUp (+)= dY silu(gate)
// geglu_forward, geglu_backward: the same with gelu by tanh.
// All arrays: (n). A worker takes whole cache lines of elements.
// Source: Shazeer 2020, arXiv:2002.05202

/** The function of the gate: types, because it must be known when the generic function is compiled. */
type Silu = i32;
type Gelu = f32;

/** What x is multiplied by in the function. @inline */
function shareOf<A>(x: v128): v128 {
  return isFloat<A>() ? approximateShare(bounded(x)) : sigmoid(x);
}

/** The function's derivative, given that share. @inline */
function slopeOf<A>(x: v128, share: v128): v128 {
  return isFloat<A>() ? approximateSlope(bounded(x), share) : siluSlope(x, share);
}

export function swiglu_forward(gate: usize, up: usize, y: usize, n: u32, work: usize): void {
  forward<Silu>(gate, up, y, n, work);
}

export function geglu_forward(gate: usize, up: usize, y: usize, n: u32, work: usize): void {
  forward<Gelu>(gate, up, y, n, work);
}

function forward<A>(gate: usize, up: usize, y: usize, n: u32, work: usize): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      const g = v128.load(gate + at);
      v128.store(y + at, f32x4.mul(f32x4.mul(g, shareOf<A>(g)), v128.load(up + at)));
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const g = loadTail(gate + at, end - i);
      storeTail(y + at, f32x4.mul(f32x4.mul(g, shareOf<A>(g)), loadTail(up + at, end - i)), end - i);
    }
  }
}

export function swiglu_backward(
  gate: usize,
  up: usize,
  dY: usize,
  dGate: usize,
  dUp: usize,
  n: u32,
  accumulateGate: u32,
  accumulateUp: u32,
  work: usize,
): void {
  backward<Silu>(gate, up, dY, dGate, dUp, n, accumulateGate, accumulateUp, work);
}

export function geglu_backward(
  gate: usize,
  up: usize,
  dY: usize,
  dGate: usize,
  dUp: usize,
  n: u32,
  accumulateGate: u32,
  accumulateUp: u32,
  work: usize,
): void {
  backward<Gelu>(gate, up, dY, dGate, dUp, n, accumulateGate, accumulateUp, work);
}

function backward<A>(
  gate: usize,
  up: usize,
  dY: usize,
  dGate: usize,
  dUp: usize,
  n: u32,
  accumulateGate: u32,
  accumulateUp: u32,
  work: usize,
): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      const g = v128.load(gate + at);
      const d = v128.load(dY + at);
      const s = shareOf<A>(g);
      let toGate = f32x4.mul(f32x4.mul(d, v128.load(up + at)), slopeOf<A>(g, s));
      let toUp = f32x4.mul(d, f32x4.mul(g, s));
      if (accumulateGate) toGate = f32x4.add(v128.load(dGate + at), toGate);
      v128.store(dGate + at, toGate);
      if (accumulateUp) toUp = f32x4.add(v128.load(dUp + at), toUp);
      v128.store(dUp + at, toUp);
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const rest = end - i;
      const g = loadTail(gate + at, rest);
      const d = loadTail(dY + at, rest);
      const s = shareOf<A>(g);
      let toGate = f32x4.mul(f32x4.mul(d, loadTail(up + at, rest)), slopeOf<A>(g, s));
      let toUp = f32x4.mul(d, f32x4.mul(g, s));
      if (accumulateGate) toGate = f32x4.add(loadTail(dGate + at, rest), toGate);
      storeTail(dGate + at, toGate, rest);
      if (accumulateUp) toUp = f32x4.add(loadTail(dUp + at, rest), toUp);
      storeTail(dUp + at, toUp, rest);
    }
  }
}
