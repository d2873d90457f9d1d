import { sigmoid, siluSlope } from "./silu";
import { claim, divideElements, endElement, firstElement } from "./work";
import { loadTail, storeTail } from "./vector";

// swiglu_forward: y = silu(gate) up
// swiglu_backward: dGate (+)= dY up silu′(gate); dUp (+)= dY silu(gate)
// All arrays: (n). A worker takes whole cache lines of elements.
// Source: Shazeer 2020, arXiv:2002.05202

export function swiglu_forward(gate: usize, up: usize, y: usize, n: u32, work: usize): void {
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      const g = v128.load(gate + at);
      v128.store(y + at, f32x4.mul(f32x4.mul(g, sigmoid(g)), v128.load(up + at)));
    }
    if (i < end) {
      const at = (i as usize) << 2;
      const g = loadTail(gate + at, end - i);
      storeTail(y + at, f32x4.mul(f32x4.mul(g, sigmoid(g)), loadTail(up + at, end - i)), end - i);
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
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    let i = firstElement();
    for (; i + 4 <= end; i += 4) {
      const at = (i as usize) << 2;
      const g = v128.load(gate + at);
      const d = v128.load(dY + at);
      const s = sigmoid(g);
      let toGate = f32x4.mul(f32x4.mul(d, v128.load(up + at)), siluSlope(g, s));
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
      const s = sigmoid(g);
      let toGate = f32x4.mul(f32x4.mul(d, loadTail(up + at, rest)), siluSlope(g, s));
      let toUp = f32x4.mul(d, f32x4.mul(g, s));
      if (accumulateGate) toGate = f32x4.add(loadTail(dGate + at, rest), toGate);
      storeTail(dGate + at, toGate, rest);
      if (accumulateUp) toUp = f32x4.add(loadTail(dUp + at, rest), toUp);
      storeTail(dUp + at, toUp, rest);
    }
  }
}
