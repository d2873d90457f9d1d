import { ACROSS, ALONG, matmul } from "./matmul";
import {
  isSkinnyBackwardInput,
  isSkinnyBackwardWeight,
  isSkinnyForward,
  skinnyBackwardInput,
  skinnyBackwardWeight,
  skinnyForward,
} from "./skinny";

// linear_forward: y = x Wᵀ. Overwrites y.
// linear_backward_input: dX (+)= dY W
// linear_backward_weight: dW (+)= dYᵀ x
// x, dX: (rows, I); weight, dW: (O, I); y, dY: (rows, O).
// A worker takes whole tiles of the result: see matmul.ts, and skinny.ts for few rows.

export function linear_forward(
  x: usize,
  weight: usize,
  y: usize,
  rows: u32,
  I: u32,
  O: u32,
  work: usize,
): void {
  if (isSkinnyForward(rows, I)) {
    skinnyForward(x, weight, y, rows, I, O, work);
    return;
  }
  const inBytes = (I as usize) << 2;
  matmul(rows, O, I, x, inBytes, ACROSS, weight, inBytes, ACROSS, y, false, work);
}

export function linear_backward_input(
  dY: usize,
  weight: usize,
  dX: usize,
  rows: u32,
  I: u32,
  O: u32,
  accumulate: u32,
  work: usize,
): void {
  if (isSkinnyBackwardInput(rows)) {
    skinnyBackwardInput(dY, weight, dX, rows, I, O, accumulate !== 0, work);
    return;
  }
  const inBytes = (I as usize) << 2;
  const outBytes = (O as usize) << 2;
  matmul(rows, I, O, dY, outBytes, ACROSS, weight, inBytes, ALONG, dX, accumulate !== 0, work);
}

export function linear_backward_weight(
  dY: usize,
  x: usize,
  dWeight: usize,
  rows: u32,
  I: u32,
  O: u32,
  accumulate: u32,
  work: usize,
): void {
  if (isSkinnyBackwardWeight(rows)) {
    skinnyBackwardWeight(dY, x, dWeight, rows, I, O, accumulate !== 0, work);
    return;
  }
  const inBytes = (I as usize) << 2;
  const outBytes = (O as usize) << 2;
  matmul(O, I, rows, dY, outBytes, ALONG, x, inBytes, ALONG, dWeight, accumulate !== 0, work);
}
