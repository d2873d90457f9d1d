import { claim, divideElements, endElement, firstElement } from "./work";
import { copyStretch, fillStretch } from "./stretch";
import { transposeMatrices } from "./transpose";

// strided_copy: y[i0,i1,i2,i3] = x[i0 stride0 + i1 stride1 + i2 stride2 + i3 stride3], or += where accumulate is 1
// y: (n0, n1, n2, n3), dense; x: what the strides reach. A worker takes whole cache lines of y, and goes through them
// row by row: the last dimension may be all of y, or one number.

export function strided_copy(
  x: usize,
  y: usize,
  n0: u32,
  n1: u32,
  n2: u32,
  n3: u32,
  stride0: u32,
  stride1: u32,
  stride2: u32,
  stride3: u32,
  accumulate: u32,
  work: usize,
): void {
  // Where neighbours in x lie one below the other in y.
  if (stride2 === 1 && n2 > 1 && stride3 > 1) {
    return transposeMatrices(x, y, n0, n1, n2, n3, stride0, stride1, stride3, accumulate, work);
  }
  const n = n0 * n1 * n2 * n3;
  divideElements(work, n);
  while (claim()) {
    const end = endElement(n);
    for (let i = firstElement(); i < end;) {
      const row = i / n3;
      const column = i - row * n3;
      const count = min(n3 - column, end - i);
      const matrix = row / n2;
      const at = (matrix / n1) * stride0 + (matrix % n1) * stride1 + (row % n2) * stride2 + column * stride3;
      const from = x + ((at as usize) << 2);
      const to = y + ((i as usize) << 2);
      if (stride3 === 1) copyStretch(from, to, count, accumulate);
      else if (stride3 === 0) fillStretch(v128.load_splat<f32>(from), to, count, accumulate);
      else gather(from, (stride3 as usize) << 2, to, count, accumulate);
      i += count;
    }
  }
}

/** to[i] = from[i · stride], or += where accumulate is 1, for i < count; the stride is bytes. */
function gather(from: usize, stride: usize, to: usize, count: u32, accumulate: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const value = load<f32>(from);
    store<f32>(to, accumulate ? load<f32>(to) + value : value);
    from += stride;
    to += 4;
  }
}
