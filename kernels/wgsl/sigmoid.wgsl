// For kernels of Elements: element_1.wgsl, element_4.wgsl.

// 1 / (1 + exp(-x)), written so that no exponential overflows.
fn sigmoid(x: Element) -> Element {
  let e = exp(-abs(x));
  return select(e, Element(1.0), x >= Element()) / (1.0 + e);
}
